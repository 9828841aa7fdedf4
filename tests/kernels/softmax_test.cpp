#include "kernels/softmax.hpp"

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

// Logits of magnitude 3 and one shift for all, so that a softmax without its shift would overflow.
template <class T>
std::vector<T> logits(std::size_t n, std::uint64_t seed) {
  auto x = test::normals<T>(n, seed, 3);
  for (T& v : x) v += T(100);
  return x;
}

struct Sizes {
  int outer, n, inner;
  std::size_t all() const { return static_cast<std::size_t>(outer) * static_cast<std::size_t>(n * inner); }
  std::size_t columns() const { return static_cast<std::size_t>(outer * inner); }
};

// Rows of awkward lengths, and columns whose number is awkward.
std::vector<Sizes> sizes() {
  std::vector<Sizes> out;
  for (const int n : test::awkward_sizes()) {
    if (n > 0) out.push_back({3, n, 1});
    out.push_back({2, 5, n == 1 ? 2 : n});
  }
  out.push_back({0, 3, 1});
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("softmax, log_softmax and log_sum_exp equal ref along rows and columns", T, float,
                   double) {
  test::for_each_isa([] {
    for (const Sizes& s : sizes()) {
      CAPTURE(s.n);
      CAPTURE(s.inner);
      for (const std::size_t shift : {0U, 1U, 3U}) {
        const auto x = logits<T>(s.all() + shift, 1);
        std::vector<T> got(x.size()), want(x.size()), got_sum(s.columns() + shift), want_sum(got_sum.size());
        const T* from = x.data() + shift;
        softmax(s.outer, s.n, s.inner, from, got.data() + shift);
        ref::softmax(s.outer, s.n, s.inner, from, want.data() + shift);
        test::check_close(got, want, (16 + s.n / 8.0) * kEps<T>, 0, "softmax");
        got = x;
        softmax(s.outer, s.n, s.inner, got.data() + shift, got.data() + shift);
        std::copy_n(x.begin(), shift, got.begin());
        std::copy_n(x.begin(), shift, want.begin());
        test::check_close(got, want, (16 + s.n / 8.0) * kEps<T>, 0, "softmax in place");
        log_softmax(s.outer, s.n, s.inner, from, got.data() + shift);
        ref::log_softmax(s.outer, s.n, s.inner, from, want.data() + shift);
        test::check_close(got, want, 4 * kEps<T>, (8 + s.n / 8.0) * kEps<T>, "log_softmax");
        log_sum_exp(s.outer, s.n, s.inner, from, got_sum.data() + shift);
        ref::log_sum_exp(s.outer, s.n, s.inner, from, want_sum.data() + shift);
        test::check_close(got_sum, want_sum, 4 * kEps<T>, 0, "log_sum_exp");
      }
    }
  });
}

TEST_CASE_TEMPLATE("their derivatives equal ref", T, float, double) {
  test::for_each_isa([] {
    for (const Sizes& s : sizes()) {
      CAPTURE(s.n);
      CAPTURE(s.inner);
      const double tolerance = (32 + s.n) * kEps<T>;
      const auto x = logits<T>(s.all() + 1, 1), g = test::normals<T>(x.size(), 2),
                 before = test::normals<T>(x.size(), 3);
      const auto u = test::normals<T>(s.columns() + 1, 4);
      std::vector<T> y(x.size()), log_y(x.size()), sums(s.columns() + 1);
      ref::softmax(s.outer, s.n, s.inner, x.data() + 1, y.data() + 1);
      ref::log_softmax(s.outer, s.n, s.inner, x.data() + 1, log_y.data() + 1);
      ref::log_sum_exp(s.outer, s.n, s.inner, x.data() + 1, sums.data() + 1);
      auto got = before, want = before;
      for (const bool accumulate : {true, false}) {
        softmax_derivative(s.outer, s.n, s.inner, y.data() + 1, g.data() + 1, got.data() + 1, accumulate);
        ref::softmax_derivative(s.outer, s.n, s.inner, y.data() + 1, g.data() + 1, want.data() + 1,
                                accumulate);
        test::check_close(got, want, tolerance, tolerance, "softmax_derivative");
      }
      got = g;
      softmax_derivative(s.outer, s.n, s.inner, y.data() + 1, got.data() + 1, got.data() + 1, false);
      got[0] = want[0];
      test::check_close(got, want, tolerance, tolerance, "softmax_derivative in place");
      got = want = before;
      log_softmax_vjp(s.outer, s.n, s.inner, log_y.data() + 1, g.data() + 1, got.data() + 1);
      ref::log_softmax_vjp(s.outer, s.n, s.inner, log_y.data() + 1, g.data() + 1, want.data() + 1);
      test::check_close(got, want, tolerance, tolerance, "log_softmax_vjp");
      log_softmax_jvp(s.outer, s.n, s.inner, log_y.data() + 1, g.data() + 1, got.data() + 1);
      ref::log_softmax_jvp(s.outer, s.n, s.inner, log_y.data() + 1, g.data() + 1, want.data() + 1);
      test::check_close(got, want, tolerance, tolerance, "log_softmax_jvp");
      // e^(x - y) inherits y's rounding: half an ulp of 110
      const double sum_tolerance = tolerance + 110 * kEps<T>;
      log_sum_exp_vjp(s.outer, s.n, s.inner, x.data() + 1, sums.data() + 1, u.data() + 1, got.data() + 1);
      ref::log_sum_exp_vjp(s.outer, s.n, s.inner, x.data() + 1, sums.data() + 1, u.data() + 1,
                           want.data() + 1);
      test::check_close(got, want, sum_tolerance, sum_tolerance, "log_sum_exp_vjp");
      auto got_sum = u, want_sum = u;
      log_sum_exp_jvp(s.outer, s.n, s.inner, x.data() + 1, sums.data() + 1, g.data() + 1, got_sum.data() + 1);
      ref::log_sum_exp_jvp(s.outer, s.n, s.inner, x.data() + 1, sums.data() + 1, g.data() + 1,
                           want_sum.data() + 1);
      test::check_close(got_sum, want_sum, sum_tolerance, sum_tolerance, "log_sum_exp_jvp");
    }
  });
}

TEST_CASE_TEMPLATE("huge, masked and missing numbers", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T huge = std::numeric_limits<T>::max();
  test::for_each_isa([&] {
    for (const int inner : {1, 2}) {  // rows, and two columns alike
      CAPTURE(inner);
      const auto of = [&](auto function, std::vector<T> column) {
        std::vector<T> x, y(column.size() * static_cast<std::size_t>(inner));
        for (const T v : column) x.insert(x.end(), static_cast<std::size_t>(inner), v);
        function(1, static_cast<std::int64_t>(column.size()), inner, x.data(), y.data());
        std::vector<T> first;
        for (std::size_t i = 0; i < y.size(); i += static_cast<std::size_t>(inner)) first.push_back(y[i]);
        return first;
      };
      CHECK(of(softmax<T>, {huge, huge})[0] == T(0.5));
      CHECK(of(softmax<T>, {-huge, -inf})[0] == T(1));
      CHECK(of(softmax<T>, {-huge, -inf})[1] == T(0));
      CHECK(of(log_softmax<T>, {T(3), -inf})[0] == T(0));
      CHECK(of(log_softmax<T>, {T(3), -inf})[1] == -inf);
      CHECK(of(log_sum_exp<T>, {-inf, -inf})[0] == -inf);
      CHECK(of(log_sum_exp<T>, {T(1), inf})[0] == inf);
      CHECK(of(log_sum_exp<T>, {huge, -huge})[0] == huge);
      for (const T bad : {nan, inf}) {
        for (const T v : of(softmax<T>, {T(1), bad, T(2)})) CHECK(std::isnan(v));
        for (const T v : of(log_softmax<T>, {T(1), bad, T(2)})) CHECK(std::isnan(v));
      }
      CHECK(std::isnan(of(log_sum_exp<T>, {T(1), nan, T(2)})[0]));
    }
  });
}

}  // namespace baton::kernels
