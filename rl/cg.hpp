#pragma once
// Preconditioned conjugate gradient (Hestenes and Stiefel 1952; Shewchuk 1994, section B3) for (A + damping I) x = b,
// A symmetric positive semi-definite, given by its products. Vectors are T, sums are double in a fixed order.
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/error.hpp"

namespace baton::rl {

struct CgOptions {
  int iterations = 10;       // at most
  double damping = 1e-4;     // added to the diagonal
  double tolerance = 1e-10;  // stop when |r|^2 <= tolerance * |b|^2
};

struct CgReport {
  int iterations = 0;
  double residual = 0;              // |b - (A + damping I) x| / |b|, by the recurrence
  bool negative_curvature = false;  // p'Ap <= 0 or not finite met: x is what was reached before
};

inline double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}
inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// product(span<const T> v, span<T> out): out = A v, overwritten. x is overwritten; it starts from zero.
// preconditioner: the inverse of an approximate diagonal of A + damping I, or empty for none.
template <class T, class Product>
CgReport conjugate_gradient(Product&& product, std::span<const T> b, std::span<T> x, const CgOptions& options,
                            std::span<const T> preconditioner = {}) {
  const std::size_t n = b.size();
  BATON_REQUIRE(x.size() == n, "cg: x has {} elements, b has {}", x.size(), n);
  BATON_REQUIRE(preconditioner.empty() || preconditioner.size() == n,
                "cg: preconditioner has {} elements, b has {}", preconditioner.size(), n);
  using View = std::span<const T>;
  std::vector<T> r(b.begin(), b.end()), z(n), p(n), ap(n);
  const auto precondition = [&] {
    for (std::size_t i = 0; i < n; ++i) z[i] = preconditioner.empty() ? r[i] : preconditioner[i] * r[i];
  };
  for (T& value : x) value = T(0);
  precondition();
  p = z;
  CgReport report;
  const double bb = dot(View(r), View(r));
  double rz = dot(View(r), View(z)), rr = bb;
  while (report.iterations < options.iterations && rr > options.tolerance * bb) {
    product(View(p), std::span<T>(ap));
    for (std::size_t i = 0; i < n; ++i) ap[i] += static_cast<T>(options.damping) * p[i];
    const double curvature = dot(View(p), View(ap));
    if (!(curvature > 0) || !std::isfinite(curvature)) {
      report.negative_curvature = true;
      break;
    }
    const T alpha = static_cast<T>(rz / curvature);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] += alpha * p[i];
      r[i] -= alpha * ap[i];
    }
    precondition();
    const double rz_next = dot(View(r), View(z));
    const T beta = static_cast<T>(rz_next / rz);
    for (std::size_t i = 0; i < n; ++i) p[i] = z[i] + beta * p[i];
    rz = rz_next;
    rr = dot(View(r), View(r));
    ++report.iterations;
  }
  report.residual = bb > 0 ? std::sqrt(rr / bb) : 0;
  return report;
}

}  // namespace baton::rl
