#pragma once
// Preconditioned conjugate gradient (Hestenes and Stiefel 1952; Shewchuk 1994, section B3) for (A + damping I) x = b,
// A symmetric positive semi-definite, given by its products. Vectors are T, sums are double in a fixed order.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::rl {

struct CgOptions {
  int iterations = 10;       // at most
  double damping = 1e-4;     // added to the diagonal
  double tolerance = 1e-10;  // stop when |r|^2 <= tolerance * |b|^2
  bool operator==(const CgOptions&) const = default;
};

struct CgReport {
  int iterations = 0;
  double residual = 0;              // |b - (A + damping I) x| / |b|, by the recurrence
  bool negative_curvature = false;  // p'Ap <= 0 or not finite met: x is what was reached before
};

template <class T>
double dot(std::span<const T> a, std::span<const T> b) {
  BATON_REQUIRE(a.size() == b.size(), "dot: vectors of {} and {}", a.size(), b.size());
  return kernels::dot<T>(static_cast<std::int64_t>(a.size()), a.data(), b.data());
}

// The vectors of a solve, kept from one to the next: nothing allocates once a system as large has been solved.
template <class T>
class ConjugateGradient {
 public:
  // product(span<const T> v, span<T> out): out = A v, overwritten. x is overwritten; it starts from zero.
  // preconditioner: an approximate inverse diagonal of A + damping I (> 0), or empty for none.
  template <class Product>
  CgReport solve(Product&& product, std::span<const T> b, std::span<T> x, const CgOptions& options,
                 std::span<const T> preconditioner = {});

 private:
  std::vector<T> r_, z_, p_, ap_;
};

template <class T>
template <class Product>
CgReport ConjugateGradient<T>::solve(Product&& product, std::span<const T> b, std::span<T> x,
                                     const CgOptions& options, std::span<const T> preconditioner) {
  BATON_REQUIRE(x.size() == b.size(), "cg: x has {} elements, b has {}", x.size(), b.size());
  BATON_REQUIRE(preconditioner.empty() || preconditioner.size() == b.size(),
                "cg: preconditioner has {} elements, b has {}", preconditioner.size(), b.size());
  const auto n = static_cast<std::int64_t>(b.size());
  const T damping = static_cast<T>(options.damping);
  r_.assign(b.begin(), b.end());
  z_.resize(b.size());
  ap_.resize(b.size());
  // z = M r; without a preconditioner z is r itself.
  const std::span<const T> r = r_, z = preconditioner.empty() ? r : std::span<const T>(z_);
  const auto precondition = [&] {
    if (preconditioner.empty()) return;
    kernels::binary<T>(kernels::Binary::kMul, n, preconditioner.data(), 1, r_.data(), 1, z_.data());
  };
  std::ranges::fill(x, T(0));
  precondition();
  p_.assign(z.begin(), z.end());
  const std::span<const T> p = p_;
  CgReport report;
  const double bb = dot(r, r);
  double rz = dot(r, z), rr = bb;
  while (report.iterations < options.iterations && rr > options.tolerance * bb) {
    product(p, std::span<T>(ap_));
    kernels::axpy<T>(n, damping, p_.data(), ap_.data());
    const double curvature = dot(p, std::span<const T>(ap_));
    if (!(curvature > 0) || !std::isfinite(curvature)) {
      report.negative_curvature = true;
      break;
    }
    const T alpha = static_cast<T>(rz / curvature);
    kernels::axpy<T>(n, alpha, p_.data(), x.data());
    kernels::axpy<T>(n, -alpha, ap_.data(), r_.data());
    precondition();
    const double rz_next = dot(r, z);
    const T beta = static_cast<T>(rz_next / rz);
    kernels::binary<T>(kernels::Binary::kMul, n, p_.data(), 1, &beta, 0, p_.data());
    kernels::axpy<T>(n, T(1), z.data(), p_.data());
    rz = rz_next;
    rr = dot(r, r);
    ++report.iterations;
  }
  report.residual = bb > 0 ? std::sqrt(rr / bb) : 0;
  return report;
}

}  // namespace baton::rl
