#include "kernels/layer_norm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("layer_norm, its vjp and its jvp equal ref", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::for_each_isa([&] {
    for (const int dim : test::awkward_sizes()) {
      if (dim == 0) continue;
      for (const int rows : {0, 1, 5}) {
        CAPTURE(dim);
        // One row's n may be as large as sqrt(dim), and a sum over the row rounds at each of dim / lanes steps.
        const double tolerance = (16 + dim / 4.0) * eps;
        const std::size_t size = static_cast<std::size_t>(dim * rows) + 1,
                          n = static_cast<std::size_t>(rows) + 1, width = static_cast<std::size_t>(dim) + 1;
        const auto x = test::normals<T>(size, 1), u = test::normals<T>(size, 2);
        const auto gain = test::normals<T>(width, 3), bias = test::normals<T>(width, 4),
                   gain_dot = test::normals<T>(width, 5), bias_dot = test::normals<T>(width, 6);
        std::vector<T> y(size), want_y(size), mean(n), want_mean(n), inverse(n), want_inverse(n);
        // A row of two close numbers has a small variance: epsilon keeps its inverse's error at the others' size.
        layer_norm(rows, dim, T(0.1), x.data() + 1, gain.data() + 1, bias.data() + 1, y.data() + 1,
                   mean.data() + 1, inverse.data() + 1);
        ref::layer_norm(rows, dim, T(0.1), x.data() + 1, gain.data() + 1, bias.data() + 1, want_y.data() + 1,
                        want_mean.data() + 1, want_inverse.data() + 1);
        test::check_close(y, want_y, tolerance, tolerance, "y");
        test::check_close(mean, want_mean, tolerance, tolerance, "mean");
        test::check_close(inverse, want_inverse, tolerance, 0, "inverse");

        auto d_gain = test::normals<T>(width, 7), want_gain = d_gain, d_bias = d_gain, want_bias = d_gain;
        layer_norm_vjp(rows, dim, x.data() + 1, gain.data() + 1, want_mean.data() + 1,
                       want_inverse.data() + 1, u.data() + 1, y.data() + 1, d_gain.data() + 1,
                       d_bias.data() + 1);
        ref::layer_norm_vjp(rows, dim, x.data() + 1, gain.data() + 1, want_mean.data() + 1,
                            want_inverse.data() + 1, u.data() + 1, want_y.data() + 1, want_gain.data() + 1,
                            want_bias.data() + 1);
        test::check_close(y, want_y, 4 * tolerance, 4 * tolerance, "d x");
        test::check_close(d_gain, want_gain, tolerance, 4 * tolerance, "d gain");
        test::check_close(d_bias, want_bias, tolerance, tolerance, "d bias");
        auto in_place = u;
        layer_norm_vjp<T>(rows, dim, x.data() + 1, gain.data() + 1, want_mean.data() + 1,
                          want_inverse.data() + 1, in_place.data() + 1, in_place.data() + 1, nullptr,
                          nullptr);
        in_place[0] = want_y[0];
        test::check_close(in_place, want_y, 4 * tolerance, 4 * tolerance, "d x in place");

        for (int given = 0; given < 8; ++given) {  // which of the three tangents there are
          const T* x_dot = (given & 1) != 0 ? u.data() + 1 : nullptr;
          const T* gain_t = (given & 2) != 0 ? gain_dot.data() + 1 : nullptr;
          const T* bias_t = (given & 4) != 0 ? bias_dot.data() + 1 : nullptr;
          layer_norm_jvp(rows, dim, x.data() + 1, gain.data() + 1, want_mean.data() + 1,
                         want_inverse.data() + 1, x_dot, gain_t, bias_t, y.data() + 1);
          ref::layer_norm_jvp(rows, dim, x.data() + 1, gain.data() + 1, want_mean.data() + 1,
                              want_inverse.data() + 1, x_dot, gain_t, bias_t, want_y.data() + 1);
          test::check_close(y, want_y, 4 * tolerance, 4 * tolerance, "y_dot");
        }
      }
    }
  });
}

TEST_CASE("a row far from zero keeps the digits of its variance") {
  test::for_each_isa([] {
    std::vector<float> x = {4096, 4097, 4098, 4099}, y(4), one(4, 1.0F), zero(4);
    float mean = 0, inverse = 0;
    layer_norm(1, 4, 1e-5F, x.data(), one.data(), zero.data(), y.data(), &mean, &inverse);
    CHECK(mean == 4097.5F);
    CHECK(inverse == doctest::Approx(1 / std::sqrt(1.25 + 1e-5)).epsilon(1e-6));
    CHECK(y[3] == doctest::Approx(1.5 / std::sqrt(1.25 + 1e-5)).epsilon(1e-6));
  });
}

TEST_CASE("a NaN stays in its row") {
  test::for_each_isa([] {
    auto x = test::normals<float>(60, 1);
    x[25] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(60), one(20, 1.0F), zero(20), mean(3), inverse(3);
    layer_norm(3, 20, 1e-5F, x.data(), one.data(), zero.data(), y.data(), mean.data(), inverse.data());
    for (std::size_t i = 0; i < 60; ++i) CHECK(std::isnan(y[i]) == (i / 20 == 1));
  });
}

}  // namespace baton::kernels
