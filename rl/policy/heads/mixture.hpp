#pragma once
// Mixtures of K diagonal Gaussians over d numbers with one log standard deviation s[d] for all, given by numbers that a
// network says of each row (Bishop 1994, "Mixture density networks"): K means [d], then K logits.
//   pi(y) = sum_k p_k N(y; mean_k, exp(s)^2),   p = softmax(logits)
// The marginal over the first c of the d numbers is the mixture of the components' marginals: counts [rows] of c, or
// null: all d. KL divergence and Fisher matrix of a mixture have no closed form. Those here are of the JOINT
// distribution of component k and y:
//   KL(p, N || q, N') = KL(p || q) + sum_k p_k KL(N_k || N'_k)
// By the chain rule it is at least the mixture's own KL, so that a trust region that holds for it holds for that; its
// Hessian at equal arguments is
//   M = diag(p) - p p' of the logits,  p_k exp(-2 s) of mean k,  2 sum_k p_k = 2 of s
// T is float (work) or double (checks).
#include <cstdint>
#include <span>

#include "kernels/aligned.hpp"
#include "rl/policy/heads/head.hpp"

namespace baton::rl {

// Calls but set() run on many threads at once; none allocates. u [rows][width()] is what the network says.
template <class T>
class Mixture {
 public:
  // 1 <= components <= kMostComponents. log_std [d] stays as it is while this is used. Allocates where none as wide
  // was.
  void set(int components, std::span<const T> log_std);
  int components() const { return components_; }
  int dim() const { return dim_; }
  int width() const { return components_ * (dim_ + 1); }

  // out[r] = ln pi(y_r); y [rows][d].
  void log_prob(int rows, const int* counts, const T* u, const T* y, T* out) const;
  // Gradients of sum_r w[r] ln pi(y_r): d_u [rows][width] (overwrites; may be null), d_log_std[d] += (may be null).
  void log_prob_vjp(int rows, const int* counts, const T* u, const T* y, const T* w, T* d_u,
                    T* d_log_std) const;
  // out[r] = KL(old || this) of the joint distributions; old's numbers u_old and s_old [d].
  void kl(int rows, const int* counts, const T* u_old, const T* s_old, const T* u, T* out) const;
  // mean [rows][d] of the most probable component, the first of equal ones.
  void mode(int rows, const T* u, T* mean) const;
  // The component of one row by the inverse distribution function at `uniform` in [0, 1).
  int component(const T* u, T uniform) const;
  // v [rows][width] becomes share M v (p from u, without s).
  void metric(int rows, const int* counts, const T* u, T share, T* v) const;
  // e [rows][width] becomes sqrt(share) L e, L L' = M.
  void metric_root(int rows, const int* counts, const T* u, T share, T* e) const;

 private:
  const T* mean(const T* u, int k) const { return u + std::ptrdiff_t{k} * dim_; }
  T* mean(T* u, int k) const { return u + std::ptrdiff_t{k} * dim_; }
  const T* logits(const T* u) const { return mean(u, components_); }
  int count(const int* counts, int row) const { return counts != nullptr ? counts[row] : dim_; }
  T weights(const T* u, T* p) const;
  T joint(const T* u, const T* y, int c, T* r) const;

  int components_ = 0, dim_ = 0;
  std::span<const T> log_std_;
  kernels::AlignedVector<T> inverse_;  // exp(-s)
};

extern template class Mixture<float>;
extern template class Mixture<double>;

}  // namespace baton::rl
