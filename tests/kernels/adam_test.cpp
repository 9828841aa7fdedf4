#include "kernels/adam.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("the fused update equals ref over odd lengths", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::for_each_isa([&] {
    for (const int n : test::awkward_sizes()) {
      const std::size_t size = static_cast<std::size_t>(n) + 1;
      const auto g = test::normals<T>(size, 1);
      auto theta = test::normals<T>(size, 2), m = test::normals<T>(size, 3), v = test::normals<T>(size, 4);
      for (T& x : v) x = x * x;
      auto theta2 = theta, m2 = m, v2 = v;
      const AdamStep<T> step{T(0.5), T(0.9), T(0.999), T(0.01), T(1.3), T(1e-8), T(0.02)};
      adam(n, step, g.data() + 1, theta.data() + 1, m.data() + 1, v.data() + 1);
      ref::adam(n, step, g.data() + 1, theta2.data() + 1, m2.data() + 1, v2.data() + 1);
      test::check_close(theta, theta2, 8 * eps, 8 * eps, "theta");
      test::check_close(m, m2, 8 * eps, 4 * eps, "m");
      test::check_close(v, v2, 8 * eps, 4 * eps, "v");
    }
  });
}

}  // namespace baton::kernels
