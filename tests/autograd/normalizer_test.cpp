#include "autograd/normalizer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "tests/support/compare.hpp"

namespace baton::ag {

TEST_CASE("normalizer: measured columns have mean 0 and deviation 1, constant ones the floor") {
  constexpr int kRows = 501, kWidth = 3;
  kernels::Random random(2);
  std::vector<float> x;
  for (int i = 0; i < kRows; ++i) {
    const float z = random.normal();
    x.insert(x.end(), {5.0F + 2.0F * z, -1000.0F + 0.1F * random.normal(), 7.0F});
  }
  const Normalizer scale = measure_columns(x, kWidth, 0.01F);
  CHECK(scale.std[2] == 0.01F);
  std::vector<float> z(x.size()), back(x.size());
  scale.normalize(kRows, x.data(), z.data());
  for (int j = 0; j < kWidth; ++j) {
    double sum = 0, squares = 0;
    for (int i = 0; i < kRows; ++i) {
      const double each = static_cast<double>(z[static_cast<std::size_t>(i * kWidth + j)]);
      sum += each;
      squares += each * each;
    }
    CHECK(std::fabs(sum / kRows) < 1e-3);  // a float's step at 1000 is 6e-5, of deviation 0.1
    CHECK(std::sqrt(squares / kRows) == doctest::Approx(j == 2 ? 0.0 : 1.0).epsilon(1e-5));
  }
  scale.denormalize(kRows, z.data(), back.data());
  test::check_close(back, x, 2e-7, 1e-6, "there and back");
  scale.normalize(kRows, x.data(), x.data());
  CHECK(x == z);
}

TEST_CASE("normalizer: sizes and numbers that cannot be are refused by name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Normalizer{{0, 1}, {1, 2}}.check(2, "input");
  CHECK_THROWS_WITH_AS((Normalizer{{0, 1}, {1, 2}}.check(3, "input")),
                       "input normaliser: 2 means and 2 deviations, 3 are expected", Error);
  CHECK_THROWS_WITH_AS((Normalizer{{0, 1}, {1, 0}}.check(2, "output")),
                       "output normaliser: std [1] is 0, > 0 is needed", Error);
  CHECK_THROWS_AS((Normalizer{{0, nan}, {1, 1}}.check(2, "output")), Error);
  CHECK_THROWS_AS((Normalizer{{0}, {nan}}.check(1, "output")), Error);
  CHECK_THROWS_AS(measure_columns(std::vector<float>(5), 2, 0.1F), Error);
  CHECK_THROWS_AS(measure_columns({}, 2, 0.1F), Error);
}

}  // namespace baton::ag
