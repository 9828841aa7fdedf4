#include "rl/data/state_table.hpp"

#include <algorithm>
#include <bit>

namespace baton::rl {
namespace {

std::int64_t rounded_up(std::int64_t width) {
  constexpr std::int64_t kLine = 64 / sizeof(float);
  if (width > kLine) return (width + kLine - 1) / kLine * kLine;
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(width)));
}

}  // namespace

StateTable::StateTable(const Dataset& data)
    : data_(&data),
      stride_(rounded_up(data.state_dim)),
      values_(static_cast<std::size_t>(data.steps() * stride_)) {
  for (std::int64_t r = 0; r < data.steps(); ++r) {
    std::copy_n(data.states.data() + r * data.state_dim, data.state_dim, values_.data() + r * stride_);
  }
}

}  // namespace baton::rl
