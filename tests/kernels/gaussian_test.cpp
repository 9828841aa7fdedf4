#include "kernels/gaussian.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE_TEMPLATE("log-probability, its gradients, KL and entropy equal ref", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::for_each_isa([&] {
    for (const int dim : {1, 9, 30, 64, 65, 130}) {
      for (const int rows : {0, 1, 5, 33}) {
        const std::size_t size = static_cast<std::size_t>(dim) * static_cast<std::size_t>(rows),
                          n = static_cast<std::size_t>(rows);
        const auto x = test::normals<T>(size, 1), mean = test::normals<T>(size, 2);
        const auto s = test::normals<T>(static_cast<std::size_t>(dim), 3, 0.3),
                   s2 = test::normals<T>(s.size(), 4, 0.3);
        const auto w = test::normals<T>(n, 5);
        std::vector<T> got(n), want(n), got_mean(size), want_mean(size);
        auto got_s = test::normals<T>(s.size(), 6), want_s = got_s;
        gaussian_log_prob(rows, dim, x.data(), mean.data(), s.data(), got.data());
        ref::gaussian_log_prob(rows, dim, x.data(), mean.data(), s.data(), want.data());
        test::check_close(got, want, 8 * eps, 8 * eps * dim, "log_prob");
        gaussian_kl(rows, dim, x.data(), s.data(), mean.data(), s2.data(), got.data());
        ref::gaussian_kl(rows, dim, x.data(), s.data(), mean.data(), s2.data(), want.data());
        test::check_close(got, want, 8 * eps, 8 * eps * dim, "kl");
        gaussian_log_prob_vjp(rows, dim, x.data(), mean.data(), s.data(), w.data(), got_mean.data(),
                              got_s.data());
        ref::gaussian_log_prob_vjp(rows, dim, x.data(), mean.data(), s.data(), w.data(), want_mean.data(),
                                   want_s.data());
        test::check_close(got_mean, want_mean, 16 * eps, eps, "d mean");
        test::check_close(got_s, want_s, 16 * eps, 16 * eps * (rows + 1), "d log_std");
        const std::vector<T> entropies = {gaussian_entropy(dim, s.data())},
                             want_entropy = {ref::gaussian_entropy(dim, s.data())};
        test::check_close(entropies, want_entropy, 8 * eps, 8 * eps, "entropy");
      }
    }
  });
}

TEST_CASE_TEMPLATE("tangents of log-probability and KL, and KL's gradients, equal ref", T, float, double) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  test::for_each_isa([&] {
    for (const int dim : {1, 9, 64, 65, 130}) {
      for (const int rows : {0, 1, 5, 33}) {
        const std::size_t width = static_cast<std::size_t>(dim), n = static_cast<std::size_t>(rows),
                          size = width * n;
        const auto a = test::normals<T>(size, 1), b = test::normals<T>(size, 2),
                   a_dot = test::normals<T>(size, 3), b_dot = test::normals<T>(size, 4),
                   w = test::normals<T>(n, 5);
        const auto s = test::normals<T>(width, 6, 0.3), q = test::normals<T>(width, 7, 0.3),
                   s_dot = test::normals<T>(width, 8), q_dot = test::normals<T>(width, 9);
        const double tolerance = 16 * eps, sums = 16 * eps * dim;
        std::vector<T> got(n), want(n), d(size), want_d(size);
        auto by_p = s_dot, want_p = s_dot, by_q = q_dot, want_q = q_dot;
        gaussian_kl_vjp(rows, dim, a.data(), s.data(), b.data(), q.data(), w.data(), d.data(), by_p.data(),
                        by_q.data());
        ref::gaussian_kl_vjp(rows, dim, a.data(), s.data(), b.data(), q.data(), w.data(), want_d.data(),
                             want_p.data(), want_q.data());
        test::check_close(d, want_d, tolerance, tolerance, "KL by mean");
        test::check_close(by_p, want_p, tolerance, tolerance * (rows + 1), "KL by p's log_std");
        test::check_close(by_q, want_q, tolerance, tolerance * (rows + 1), "KL by q's log_std");
        for (int given = 0; given < 16; ++given) {  // which tangents there are
          const auto pick = [given](int bit, const std::vector<T>& t) {
            return (given & bit) != 0 ? t.data() : nullptr;
          };
          const T *p0 = pick(1, a_dot), *p1 = pick(2, s_dot), *p2 = pick(4, b_dot), *p3 = pick(8, q_dot);
          gaussian_kl_jvp(rows, dim, a.data(), s.data(), b.data(), q.data(), p0, p1, p2, p3, got.data());
          ref::gaussian_kl_jvp(rows, dim, a.data(), s.data(), b.data(), q.data(), p0, p1, p2, p3,
                               want.data());
          test::check_close(got, want, tolerance, sums, "KL's tangent");
          gaussian_log_prob_jvp(rows, dim, a.data(), b.data(), s.data(), p0, p2, p1, got.data());
          ref::gaussian_log_prob_jvp(rows, dim, a.data(), b.data(), s.data(), p0, p2, p1, want.data());
          test::check_close(got, want, tolerance, sums, "log_prob's tangent");
        }
      }
    }
  });
}

TEST_CASE("the standard normal at its mean has density (2 pi)^(-1/2), and KL of equals is 0") {
  const double zero = 0, log_std = 0.4;
  double out = 1;
  gaussian_log_prob(1, 1, &zero, &zero, &zero, &out);
  CHECK(out == doctest::Approx(-0.5 * std::log(2 * std::numbers::pi)).epsilon(1e-14));
  gaussian_kl(1, 1, &zero, &log_std, &zero, &log_std, &out);
  CHECK(out == 0.0);
}

}  // namespace baton::kernels
