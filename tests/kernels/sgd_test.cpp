#include "kernels/sgd.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("the fused momentum step equals ref over odd lengths", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (const bool nesterov : {false, true}) {
    test::for_each_isa([&] {
      for (const int n : test::awkward_sizes()) {
        const std::size_t size = static_cast<std::size_t>(n) + 1;
        const auto g = test::normals<T>(size, 1);
        auto theta = test::normals<T>(size, 2), m = test::normals<T>(size, 3);
        auto theta2 = theta, m2 = m;
        const SgdStep<T> step{T(0.5), T(0.9), T(0.01), T(0.02), nesterov};
        sgd(n, step, g.data() + 1, theta.data() + 1, m.data() + 1);
        ref::sgd(n, step, g.data() + 1, theta2.data() + 1, m2.data() + 1);
        test::check_close(theta, theta2, 4 * eps, 4 * eps, "theta");
        test::check_close(m, m2, 4 * eps, 4 * eps, "m");
      }
    });
  }
}

}  // namespace baton::kernels
