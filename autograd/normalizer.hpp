#pragma once
// Normalisation of a network's inputs and outputs, column by column: z = (x - mean) (1 / std). What it was measured on
// is the caller's; it is saved with the network and not trained.
#include <span>
#include <vector>

namespace baton::ag {

struct Normalizer {
  std::vector<float> mean, std;  // [width]; std > 0

  int width() const { return static_cast<int>(mean.size()); }
  // Throws Error naming `what` unless mean and std hold `width` numbers, finite, and std > 0.
  void check(int width, const char* what) const;
  // z [n][width] from x [n][width], and back; overwritten; z may be x.
  void normalize(int n, const float* x, float* z) const;
  void denormalize(int n, const float* z, float* x) const;
};

// Means and standard deviations, at least `floor`, of the columns of values [n][width]; sums in double, rows in
// order. Throws Error unless there is a row.
Normalizer measure_columns(std::span<const float> values, int width, float floor);

}  // namespace baton::ag
