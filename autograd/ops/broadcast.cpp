#include "autograd/ops/broadcast.hpp"

namespace baton::ag {
namespace {

// Strides of an operand along the axes of the result.
std::array<std::int64_t, kMaxRank> strides_in(const Shape& operand, const Shape& out) {
  std::array<std::int64_t, kMaxRank> strides{};
  std::int64_t stride = 1;
  for (int back = 1; back <= operand.rank; ++back) {
    const int n = operand[operand.rank - back];
    strides[static_cast<std::size_t>(out.rank - back)] = n == 1 ? 0 : stride;
    stride *= n;
  }
  return strides;
}

}  // namespace

// Whether an axis of the result continues the last merged one for every operand.
bool BroadcastPlan::merges(std::size_t axis, std::size_t operands,
                           const std::array<Strides, kMaxOperands>& from) const {
  if (rank_ == 0) return false;
  const auto last = static_cast<std::size_t>(rank_ - 1);
  for (std::size_t i = 0; i < operands; ++i) {
    if (from[i][axis] != stride_[i][last] * extent_[last]) return false;
  }
  return true;
}

BroadcastPlan::BroadcastPlan(const Shape& out, std::initializer_list<const Shape*> operands)
    : size_(static_cast<std::int64_t>(out.size())) {
  std::array<Strides, kMaxOperands> from{};
  std::size_t count = 0;
  for (const Shape* operand : operands) from[count++] = strides_in(*operand, out);
  for (int axis = out.rank - 1; axis >= 0; --axis) {
    const auto at = static_cast<std::size_t>(axis);
    if (out[axis] == 1) continue;
    if (merges(at, count, from)) {
      extent_[static_cast<std::size_t>(rank_ - 1)] *= out[axis];
      continue;
    }
    const auto made = static_cast<std::size_t>(rank_++);
    extent_[made] = out[axis];
    for (std::size_t i = 0; i < count; ++i) stride_[i][made] = from[i][at];
  }
  first_.n = rank_ > 0 ? extent_[0] : 1;
  for (std::size_t i = 0; i < count; ++i) first_.step[i] = static_cast<int>(stride_[i][0]);
}

void BroadcastPlan::next(BroadcastRow& row, Strides& index) const {
  for (std::size_t axis = 1; axis < static_cast<std::size_t>(rank_); ++axis) {
    for (std::size_t i = 0; i < row.at.size(); ++i) row.at[i] += stride_[i][axis];
    if (++index[axis] < extent_[axis]) return;
    for (std::size_t i = 0; i < row.at.size(); ++i) row.at[i] -= stride_[i][axis] * extent_[axis];
    index[axis] = 0;
  }
}

}  // namespace baton::ag
