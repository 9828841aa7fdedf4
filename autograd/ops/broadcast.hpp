#pragma once
// Walks arrays that are broadcast to one shape, row by row, for the operations of this folder. Neighbouring axes
// that all operands walk alike are merged; rows run along the last merged axis.
#include <array>
#include <cstddef>
#include <cstdint>

#include "autograd/tape.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {

constexpr int kMaxOperands = 3;

// One row: n elements from `out` of the result on, and from at[i] of operand i on, which advances by step[i] (0
// or 1) an element.
struct BroadcastRow {
  std::int64_t n = 1, out = 0;
  std::array<std::int64_t, kMaxOperands> at{};
  std::array<int, kMaxOperands> step{};
};

class BroadcastPlan {
 public:
  BroadcastPlan(const Shape& out, std::initializer_list<const Shape*> operands);

  template <class Body>
  void for_rows(Body body) const {
    BroadcastRow row = first_;
    std::array<std::int64_t, kMaxRank> index{};
    for (; row.out < size_; row.out += row.n) {
      body(static_cast<const BroadcastRow&>(row));
      next(row, index);
    }
  }

 private:
  using Strides = std::array<std::int64_t, kMaxRank>;
  bool merges(std::size_t axis, std::size_t operands, const std::array<Strides, kMaxOperands>& from) const;
  void next(BroadcastRow& row, Strides& index) const;

  int rank_ = 0;  // merged axes, the innermost first
  std::int64_t size_ = 0;
  Strides extent_{};
  std::array<Strides, kMaxOperands> stride_{};  // 0 where an operand is repeated
  BroadcastRow first_;
};

// The plan of a node whose inputs broadcast to its shape.
template <class T>
BroadcastPlan plan_of(const Call<T>& c) {
  if (c.node.inputs == 2) return {c.node.shape, {&c.shape(0), &c.shape(1)}};
  return {c.node.shape, {&c.shape(0), &c.shape(1), &c.shape(2)}};
}

// Adds sign * term[0..n-1] into operand i of a row, summed where the operand is one number.
template <class T>
void add_into(const BroadcastRow& row, std::size_t i, T sign, const T* term, T* gradient) {
  T* target = gradient + row.at[i];
  if (row.step[i] != 0) {
    kernels::axpy<T>(row.n, sign, term, target);
  } else {
    *target += sign * static_cast<T>(kernels::sum<T>(row.n, term));
  }
}

}  // namespace baton::ag
