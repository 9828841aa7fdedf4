#include "autograd/normalizer.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"

namespace baton::ag {

void Normalizer::check(int width, const char* what) const {
  const std::size_t size = static_cast<std::size_t>(width);
  BATON_REQUIRE(mean.size() == size && std.size() == size,
                "{} normaliser: {} means and {} deviations, {} are expected", what, mean.size(), std.size(),
                size);
  for (std::size_t j = 0; j < size; ++j) {
    BATON_REQUIRE(std::isfinite(mean[j]), "{} normaliser: mean [{}] is {}", what, j, mean[j]);
    BATON_REQUIRE(std[j] > 0 && std::isfinite(std[j]), "{} normaliser: std [{}] is {}, > 0 is needed", what,
                  j, std[j]);
  }
}

// A stretch of columns at a time, whose reciprocals are taken once for all rows.
void Normalizer::normalize(int n, const float* x, float* z) const {
  constexpr std::size_t kStretch = 64;
  const std::size_t size = mean.size();
  float scale[kStretch];
  for (std::size_t j0 = 0; j0 < size; j0 += kStretch) {
    const std::size_t columns = std::min(kStretch, size - j0);
    const float* shift = mean.data() + j0;
    for (std::size_t j = 0; j < columns; ++j) scale[j] = 1.0f / std[j0 + j];
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const float* from = x + i * size + j0;
      float* to = z + i * size + j0;
      for (std::size_t j = 0; j < columns; ++j) to[j] = (from[j] - shift[j]) * scale[j];
    }
  }
}

void Normalizer::denormalize(int n, const float* z, float* x) const {
  const std::size_t size = mean.size();
  for (int i = 0; i < n; ++i, x += size, z += size) {
    for (std::size_t j = 0; j < size; ++j) x[j] = mean[j] + std[j] * z[j];
  }
}

Normalizer measure_columns(std::span<const float> values, int width, float floor) {
  BATON_REQUIRE(width >= 1 && !values.empty() && values.size() % static_cast<std::size_t>(width) == 0,
                "measure_columns: {} numbers in rows of {}", values.size(), width);
  const std::size_t columns = static_cast<std::size_t>(width), n = values.size() / columns;
  std::vector<double> sum(columns), squares(columns);
  for (std::size_t i = 0; i < values.size(); ++i) sum[i % columns] += static_cast<double>(values[i]);
  for (double& each : sum) each /= static_cast<double>(n);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double d = static_cast<double>(values[i]) - sum[i % columns];
    squares[i % columns] += d * d;
  }
  Normalizer result{.mean = std::vector<float>(columns), .std = std::vector<float>(columns)};
  for (std::size_t j = 0; j < columns; ++j) {
    result.mean[j] = static_cast<float>(sum[j]);
    result.std[j] = std::max(floor, static_cast<float>(std::sqrt(squares[j] / static_cast<double>(n))));
  }
  return result;
}

}  // namespace baton::ag
