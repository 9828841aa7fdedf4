#include "kernels/elementwise.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {
namespace {

template <class T>
constexpr double kEps = static_cast<double>(std::numeric_limits<T>::epsilon());

bool needs_positive(Unary op) { return op == Unary::kLog || op == Unary::kSqrt; }

template <class T>
std::vector<T> inputs(Unary op, std::size_t n, std::uint64_t seed, double scale) {
  auto x = test::normals<T>(n, seed, scale);
  if (needs_positive(op)) {
    for (T& v : x) v = std::fabs(v) + std::numeric_limits<T>::min();
  }
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("unary functions equal ref over odd lengths and misalignments", T, float, double) {
  test::for_each_isa([] {
    for (int op_index = 0; op_index < kUnaryCount; ++op_index) {
      const Unary op = static_cast<Unary>(op_index);
      const std::string function = unary_name(op);
      CAPTURE(function);
      for (const int n : test::awkward_sizes()) {
        for (const std::size_t shift : {0U, 1U, 3U}) {
          const std::size_t size = static_cast<std::size_t>(n) + shift;
          const auto x = inputs<T>(op, size, 5, 3), g = test::normals<T>(size, 6);
          std::vector<T> y(size), want(size), slope = test::normals<T>(size, 7), want_slope = slope;
          unary(op, n, x.data() + shift, y.data() + shift);
          ref::unary(op, n, x.data() + shift, want.data() + shift);
          test::check_close(y, want, 8 * kEps<T>, kEps<T>, "value");
          const T* given = derivative_needs_input(op) ? x.data() + shift : nullptr;
          for (const bool accumulate : {false, true}) {
            unary_derivative(op, n, given, want.data() + shift, g.data() + shift, slope.data() + shift,
                             accumulate);
            ref::unary_derivative(op, n, given, want.data() + shift, g.data() + shift,
                                  want_slope.data() + shift, accumulate);
            test::check_close(slope, want_slope, 16 * kEps<T>, 32 * kEps<T>, "slope");
          }
        }
      }
    }
  });
}

TEST_CASE("float functions stay within 4 ulp of ref in double over their whole range") {
  struct Case {
    Unary op;
    double low, high;
  };
  const Case cases[] = {{Unary::kTanh, -12, 12},     {Unary::kTanh, -0.02, 0.02}, {Unary::kExp, -87, 88.7},
                        {Unary::kSigmoid, -80, 80},  {Unary::kSilu, -80, 80},     {Unary::kSilu, -10, 10},
                        {Unary::kSoftplus, -60, 60}, {Unary::kElu, -20, 1},       {Unary::kLog, 1e-30, 3},
                        {Unary::kLog, 0.9, 1.1},     {Unary::kGelu, 0, 10}};
  test::for_each_isa([&] {
    for (const Case& c : cases) {
      const std::string function = unary_name(c.op);
      CAPTURE(function);
      constexpr int n = 20001;
      std::vector<float> x(n), got(n);
      for (int i = 0; i < n; ++i)
        x[static_cast<std::size_t>(i)] = static_cast<float>(c.low + (c.high - c.low) * i / (n - 1));
      const std::vector<double> exact_x(x.begin(), x.end());
      std::vector<double> want(n);
      unary(c.op, n, x.data(), got.data());
      ref::unary(c.op, n, exact_x.data(), want.data());
      // An ulp is at least eps / 2 of a number.
      test::check_close(got, want, 4 * kEps<float> / 2, 1e-38, "range");
    }
  });
}

TEST_CASE("gelu, whose sum cancels below 0, stays within 2 eps |x|") {
  constexpr int n = 20000;  // even: 0 is not among them
  std::vector<float> x(n), got(n);
  for (int i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>(-10 + 20.0 * i / (n - 1));
  const std::vector<double> exact_x(x.begin(), x.end());
  std::vector<double> want(n), ratio(n);
  ref::unary(Unary::kGelu, n, exact_x.data(), want.data());
  for (std::size_t i = 0; i < n; ++i) want[i] /= exact_x[i];
  test::for_each_isa([&] {
    unary(Unary::kGelu, n, x.data(), got.data());
    for (std::size_t i = 0; i < n; ++i) ratio[i] = static_cast<double>(got[i]) / exact_x[i];
    test::check_close(ratio, want, 0, 2 * kEps<float>, "gelu / x");
  });
}

TEST_CASE_TEMPLATE("scale_columns equals ref over odd sizes", T, float, double) {
  test::for_each_isa([&] {
    for (const int cols : {1, 3, 9, 16, 33}) {
      for (const int rows : {0, 1, 7, 40}) {
        const auto scale = test::normals<T>(static_cast<std::size_t>(cols), 1);
        auto got = test::normals<T>(static_cast<std::size_t>(rows * cols), 2), want = got;
        scale_columns(rows, cols, scale.data(), got.data());
        ref::scale_columns(rows, cols, scale.data(), want.data());
        CHECK(got == want);
      }
    }
  });
}

TEST_CASE_TEMPLATE("special numbers: NaN stays NaN, infinities and zeros give the limits", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  test::for_each_isa([&] {
    for (int op_index = 0; op_index < kUnaryCount; ++op_index) {
      const Unary op = static_cast<Unary>(op_index);
      const std::string function = unary_name(op);
      CAPTURE(function);
      for (const int n : {1, 16, 19}) {  // in a tail and in whole vectors
        std::vector<T> x(static_cast<std::size_t>(n), nan), y(x.size());
        unary(op, n, x.data(), y.data());
        for (const T v : y) CHECK(std::isnan(v));
      }
    }
    const auto at = [](Unary op, T x) {
      T y;
      unary(op, 1, &x, &y);
      return y;
    };
    CHECK(at(Unary::kTanh, inf) == T(1));
    CHECK(at(Unary::kTanh, -inf) == T(-1));
    CHECK(std::signbit(at(Unary::kTanh, T(-0.0))));
    CHECK(at(Unary::kRelu, -inf) == T(0));
    CHECK(at(Unary::kRelu, inf) == inf);
    CHECK(at(Unary::kElu, -inf) == T(-1));
    CHECK(at(Unary::kExp, -inf) == T(0));
    CHECK(at(Unary::kExp, inf) == inf);
    CHECK(at(Unary::kExp, T(0)) == T(1));
    CHECK(at(Unary::kLog, T(0)) == -inf);
    CHECK(at(Unary::kLog, inf) == inf);
    CHECK(at(Unary::kLog, T(1)) == T(0));
    CHECK(std::isnan(at(Unary::kLog, T(-1))));
    CHECK(at(Unary::kSigmoid, -inf) == T(0));
    CHECK(at(Unary::kSigmoid, inf) == T(1));
    CHECK(at(Unary::kSoftplus, -inf) == T(0));
    CHECK(at(Unary::kSoftplus, inf) == inf);
    CHECK(at(Unary::kSqrt, T(4)) == T(2));
  });
}

TEST_CASE_TEMPLATE("bias, binary, axpy and multiply_add equal ref", T, float, double) {
  test::for_each_isa([] {
    for (const int n : test::awkward_sizes()) {
      const std::size_t size = static_cast<std::size_t>(n) + 1;
      const auto a = test::normals<T>(size, 1), b = test::normals<T>(size, 2);
      for (int op = 0; op < kBinaryCount; ++op) {
        for (const int a_step : {0, 1}) {
          for (const int b_step : {0, 1}) {
            std::vector<T> got(size), want(size);
            binary(static_cast<Binary>(op), n, a.data() + 1, a_step, b.data() + 1, b_step, got.data() + 1);
            ref::binary(static_cast<Binary>(op), n, a.data() + 1, a_step, b.data() + 1, b_step,
                        want.data() + 1);
            test::check_close(got, want, 2 * kEps<T>, 0, "binary");
          }
        }
      }
      auto got = a, want = a;
      axpy(n, T(0.3), b.data() + 1, got.data() + 1);
      ref::axpy(n, T(0.3), b.data() + 1, want.data() + 1);
      multiply_add(n, a.data() + 1, b.data() + 1, got.data() + 1);
      ref::multiply_add(n, a.data() + 1, b.data() + 1, want.data() + 1);
      test::check_close(got, want, 2 * kEps<T>, 8 * kEps<T>, "axpy, multiply_add");
      const auto x = test::normals<T>(3 * size, 4);
      auto got_x = x, want_x = x;
      std::vector<T> got_z(x.size()), want_z(x.size());
      bias_unary(Unary::kGelu, 3, n, a.data(), got_x.data(), got_z.data());
      ref::bias_unary(Unary::kGelu, 3, n, a.data(), want_x.data(), want_z.data());
      test::check_close(got_x, want_x, 8 * kEps<T>, 4 * kEps<T>, "bias_unary");
      test::check_close(got_z, want_z, kEps<T>, 0, "bias_unary z");
    }
  });
}

TEST_CASE_TEMPLATE("where and clamp equal ref", T, float, double) {
  test::for_each_isa([] {
    for (const int n : test::awkward_sizes()) {
      const std::size_t size = static_cast<std::size_t>(n) + 1;
      const auto a = test::normals<T>(size, 1), b = test::normals<T>(size, 2);
      auto mask = test::normals<T>(size, 3);
      for (T& m : mask) m = m > 0 ? m : T(0);
      std::vector<T> got(size), want(size);
      for (int steps = 0; steps < 8; ++steps) {
        const int c_step = steps & 1, a_step = steps >> 1 & 1, b_step = steps >> 2 & 1;
        where(n, mask.data() + 1, c_step, a.data() + 1, a_step, b.data() + 1, b_step, got.data() + 1);
        ref::where(n, mask.data() + 1, c_step, a.data() + 1, a_step, b.data() + 1, b_step, want.data() + 1);
        CHECK(got == want);
      }
      clamp(n, T(-0.5), T(0.7), a.data() + 1, got.data() + 1);
      ref::clamp(n, T(-0.5), T(0.7), a.data() + 1, want.data() + 1);
      CHECK(got == want);
      for (const bool accumulate : {true, false}) {
        clamp_derivative(n, T(-0.5), T(0.7), a.data() + 1, b.data() + 1, got.data() + 1, accumulate);
        ref::clamp_derivative(n, T(-0.5), T(0.7), a.data() + 1, b.data() + 1, want.data() + 1, accumulate);
        CHECK(got == want);
      }
    }
  });
}

TEST_CASE_TEMPLATE("comparisons: a NaN on either side stays, of equals the first is taken", T, float,
                   double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  test::for_each_isa([&] {
    for (const int n : {1, 16, 19}) {
      const std::size_t size = static_cast<std::size_t>(n);
      const std::vector<T> nans(size, nan), ones(size, T(1)), negative(size, T(-0.0)), positive(size, T(0));
      std::vector<T> y(size);
      const auto all = [&](auto good) { return std::all_of(y.begin(), y.end(), good); };
      for (const Binary op : {Binary::kMinimum, Binary::kMaximum}) {
        const std::string function = binary_name(op);
        CAPTURE(function);
        binary(op, n, nans.data(), 1, ones.data(), 1, y.data());
        CHECK(all([](T v) { return std::isnan(v); }));
        binary(op, n, ones.data(), 1, nans.data(), 1, y.data());
        CHECK(all([](T v) { return std::isnan(v); }));
        binary(op, n, negative.data(), 1, positive.data(), 1, y.data());
        CHECK(all([](T v) { return std::signbit(v); }));
        binary(op, n, positive.data(), 1, negative.data(), 1, y.data());
        CHECK(all([](T v) { return !std::signbit(v); }));
      }
      binary(Binary::kLess, n, nans.data(), 1, ones.data(), 1, y.data());
      CHECK(all([](T v) { return v == 0; }));
      clamp(n, -inf, T(0), nans.data(), y.data());
      CHECK(all([](T v) { return std::isnan(v); }));
      clamp_derivative(n, T(1), T(2), ones.data(), nans.data(), y.data(), false);  // the ends pass
      CHECK(all([](T v) { return std::isnan(v); }));
      clamp_derivative(n, T(2), T(3), ones.data(), nans.data(), y.data(), false);
      CHECK(all([](T v) { return v == 0; }));
      where(n, nans.data(), 1, ones.data(), 1, nans.data(), 1, y.data());
      CHECK(all([](T v) { return v == 1; }));
    }
  });
}

TEST_CASE("an element's bits do not depend on its place") {
  test::for_each_isa([] {
    const auto x = test::normals<float>(200, 3);
    for (const Unary op : {Unary::kTanh, Unary::kSilu, Unary::kSoftplus}) {
      std::vector<float> all(200), shifted(199);
      unary(op, 200, x.data(), all.data());
      unary(op, 199, x.data() + 1, shifted.data());
      CHECK(std::equal(shifted.begin(), shifted.end(), all.begin() + 1));
    }
  });
}

}  // namespace baton::kernels
