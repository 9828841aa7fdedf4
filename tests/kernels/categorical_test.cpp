#include "kernels/categorical.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {
namespace {

template <class T>
constexpr double kEps = static_cast<double>(std::numeric_limits<T>::epsilon());
constexpr int kRows = 4;

}  // namespace

TEST_CASE_TEMPLATE("log-probability, KL, entropy and their gradients equal ref", T, float, double) {
  test::for_each_isa([] {
    for (const int n : test::awkward_sizes()) {
      if (n == 0) continue;
      CAPTURE(n);
      const std::size_t size = static_cast<std::size_t>(kRows * n) + 1;
      const double tolerance = (32 + n) * kEps<T>;
      const auto p = test::normals<T>(size, 1, 2), q = test::normals<T>(size, 2, 2);
      const auto weights = test::normals<T>(kRows + 1, 3);
      const std::vector<std::int32_t> index = {n - 1, 0, n / 2, n / 3};
      std::vector<T> got(kRows), want(kRows), d(size), want_d(size), d_q(size), want_q(size);
      const auto same = [&](const char* what) {
        test::check_close(got, want, tolerance, tolerance, what);
        test::check_close(d, want_d, tolerance, tolerance, what);
        test::check_close(d_q, want_q, tolerance, tolerance, what);
      };
      for (const T* w : {static_cast<const T*>(nullptr), weights.data() + 1}) {
        categorical_log_prob(kRows, n, p.data() + 1, index.data(), got.data());
        ref::categorical_log_prob(kRows, n, p.data() + 1, index.data(), want.data());
        categorical_log_prob_vjp(kRows, n, p.data() + 1, index.data(), w, d.data() + 1);
        ref::categorical_log_prob_vjp(kRows, n, p.data() + 1, index.data(), w, want_d.data() + 1);
        same("log_prob");
        categorical_kl(kRows, n, p.data() + 1, q.data() + 1, got.data());
        ref::categorical_kl(kRows, n, p.data() + 1, q.data() + 1, want.data());
        categorical_kl_vjp(kRows, n, p.data() + 1, q.data() + 1, w, d.data() + 1, d_q.data() + 1);
        ref::categorical_kl_vjp(kRows, n, p.data() + 1, q.data() + 1, w, want_d.data() + 1,
                                want_q.data() + 1);
        same("kl");
        categorical_kl_vjp<T>(kRows, n, q.data() + 1, p.data() + 1, w, nullptr, d_q.data() + 1);
        ref::categorical_kl_vjp<T>(kRows, n, q.data() + 1, p.data() + 1, w, nullptr, want_q.data() + 1);
        same("kl, by q alone");
        categorical_entropy(kRows, n, q.data() + 1, got.data());
        ref::categorical_entropy(kRows, n, q.data() + 1, want.data());
        categorical_entropy_vjp(kRows, n, q.data() + 1, w, d.data() + 1);
        ref::categorical_entropy_vjp(kRows, n, q.data() + 1, w, want_d.data() + 1);
        same("entropy");
      }
    }
  });
}

TEST_CASE("KL of close distributions keeps its digits: to second order it is the variance of the change") {
  test::for_each_isa([] {
    const auto x = test::normals<float>(40, 1), direction = test::normals<float>(40, 2);
    std::vector<float> moved(x);
    for (std::size_t i = 0; i < x.size(); ++i) moved[i] += 0.01F * direction[i];
    std::vector<double> p(x.begin(), x.end()), q(moved.begin(), moved.end());
    float got = 0;
    double want = 0;
    categorical_kl(1, 40, x.data(), moved.data(), &got);
    ref::categorical_kl(1, 40, p.data(), q.data(), &want);
    CHECK(got == doctest::Approx(want).epsilon(1e-3));  // each ln(p/q), about 0.01, is known to 2e-7
    categorical_kl(1, 40, x.data(), x.data(), &got);
    CHECK(got == 0.0F);
  });
}

TEST_CASE_TEMPLATE("closed forms and masked classes", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  test::for_each_isa([&] {
    const std::vector<T> flat(6, T(7)), masked = {T(1), -inf, T(1), -inf, T(1), T(1)};
    T out = T(0);
    const std::int32_t second = 1;
    categorical_entropy(1, 6, flat.data(), &out);
    CHECK(static_cast<double>(out) == doctest::Approx(std::log(6.0)).epsilon(4 * kEps<T>));
    categorical_entropy(1, 6, masked.data(), &out);
    CHECK(static_cast<double>(out) == doctest::Approx(std::log(4.0)).epsilon(4 * kEps<T>));
    categorical_kl(1, 6, masked.data(), flat.data(), &out);
    CHECK(static_cast<double>(out) == doctest::Approx(std::log(1.5)).epsilon(8 * kEps<T>));
    categorical_kl(1, 6, flat.data(), masked.data(), &out);
    CHECK(out == inf);
    categorical_kl(1, 6, masked.data(), masked.data(), &out);
    CHECK(std::fabs(static_cast<double>(out)) <= kEps<T>);
    categorical_log_prob(1, 6, masked.data(), &second, &out);
    CHECK(out == -inf);
    std::vector<T> d(6, nan), d_q(6, nan);
    categorical_kl_vjp<T>(1, 6, masked.data(), flat.data(), nullptr, d.data(), d_q.data());
    CHECK(d[1] == T(0));
    CHECK(static_cast<double>(d_q[1]) == doctest::Approx(1.0 / 6).epsilon(4 * kEps<T>));
    categorical_entropy_vjp<T>(1, 6, masked.data(), nullptr, d.data());
    CHECK(d[3] == T(0));
    const std::vector<T> broken = {T(1), nan, T(2)};
    categorical_entropy(1, 3, broken.data(), &out);
    CHECK(std::isnan(out));
    categorical_kl(1, 3, flat.data(), broken.data(), &out);
    CHECK(std::isnan(out));
    categorical_log_prob(1, 3, broken.data(), &second, &out);
    CHECK(std::isnan(out));
  });
}

}  // namespace baton::kernels
