#pragma once
// Fisher information of a Gaussian policy with state-independent log_std, exact, matrix-free:
//   mean block:    F v = 1/n sum_i J_i' diag(exp(-2 log_std)) J_i v,   J_i = d u(z_i) / d theta   (one jvp, one vjp)
//   log_std block: F v = 2 v                                          (per coordinate)
//   cross block:   0
// It is the Hessian of mean KL(pi_theta0 || pi_theta) at theta = theta0 (paper: the preconditioner of equations 2, 3).
// T is float (work) or double (checks).
#include <span>
#include <vector>

#include "autograd/mlp.hpp"

namespace baton::rl {

template <class T>
class Fisher {
 public:
  // `pass` holds the cached activations of a forward with `mlp_theta`; both must stay as they are while this is used.
  Fisher(ag::MlpPass<T>& pass, std::span<const T> mlp_theta, std::span<const T> log_std);

  int parameters() const { return static_cast<int>(theta_.size() + log_std_.size()); }

  // out = F v; both [parameters()], [mlp..., log_std...]; overwritten. Throws when sizes disagree.
  void product(std::span<const T> v, std::span<T> out);

 private:
  ag::MlpPass<T>* pass_;
  std::span<const T> theta_, log_std_;
  std::vector<T> tangent_;  // [n][out]
};

extern template class Fisher<float>;
extern template class Fisher<double>;

}  // namespace baton::rl
