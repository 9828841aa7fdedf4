#pragma once
// The states of a dataset as relabelling gathers them: at random, by the thousand, again and again.
#include <cstdint>

#include "kernels/aligned.hpp"
#include "rl/data/dataset.hpp"

namespace baton::rl {

// A copy of a dataset's states whose rows lie on no more lines of the cache than they fill, in large pages: gathering
// waits for lines (docs/performance.md). Pays where many batches are drawn, not for one.
// Memory, beside the dataset: N stride() floats. stride() is S rounded up, to a power of two while that fits a line of
// 16 floats, to whole lines beyond: 32 for S = 30.
class StateTable {
 public:
  // Of the states as they are now; lengths are looked up in `data`, which must outlive the table and keep its place.
  explicit StateTable(const Dataset& data);

  const Dataset& data() const { return *data_; }
  std::int64_t stride() const { return stride_; }       // floats from one row to the next, >= S
  const float* rows() const { return values_.data(); }  // row r, of S floats, at r stride()

 private:
  const Dataset* data_;
  std::int64_t stride_;
  kernels::AlignedVector<float> values_;  // [N][stride]
};

// Where a gather reads: a dataset, or a table for its states and the dataset for the rest; either passes as one. Cheap
// to make; what it is made of must outlive it.
struct Steps {
  Steps(const Dataset& own) : data(&own), states(own.states.data()), stride(own.state_dim) {}
  Steps(const StateTable& table) : data(&table.data()), states(table.rows()), stride(table.stride()) {}

  const Dataset* data;
  const float* states;  // row r at r stride
  std::int64_t stride;
};

}  // namespace baton::rl
