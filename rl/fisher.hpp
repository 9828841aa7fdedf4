#pragma once
// Fisher information of a policy whose network gives the parameters u of a distribution, exact, matrix-free:
//   F v = 1/n sum_i J_i' M_i J_i v,   J_i = d u(z_i) / d theta   (one jvp, one vjp over the cached activations)
//   Gaussian, u the mean:          M = diag(exp(-2 log_std)); log_std, state-independent, is a block of its own:
//                                  F v = 2 v per coordinate, and nothing across the blocks. With counts, row i has the
//                                  first counts_i numbers of u alone: M's others are 0, and coordinate j of log_std
//                                  has 2 times the share of rows with counts_i > j
//   two passes (rl/policy/heads/two_pass.hpp): the Gaussian's, J_i that of both passes
//   mixture, u its means and logits, and log_std as the Gaussian's: of the joint distribution of component and output
//                                  (rl/policy/heads/mixture.hpp)
//   categorical, u the logits:     M = diag(p) - p p',  p = softmax(u_i)
// It is the Hessian of mean KL(pi_theta0 || pi_theta) at theta = theta0 (paper: the preconditioner of equations 2, 3).
// T is float (work) or double (checks).
#include <cstdint>
#include <span>
#include <vector>

#include "autograd/mlp.hpp"
#include "rl/policy/heads/mixture.hpp"
#include "rl/policy/heads/two_pass.hpp"

namespace baton::rl {

template <class T>
class Fisher {
 public:
  Fisher() = default;
  Fisher(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std) {
    set_gaussian(pass, theta, log_std);
  }

  // `pass` holds the cached activations of a forward with `theta`; all must stay as they are while this is used.
  // Nothing allocates once a batch as large has been seen.
  // counts: [n], in 1..width, or empty: all.
  void set_gaussian(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std,
                    std::span<const int> counts = {});
  void set_gaussian(TwoPass<T>& passes, std::span<const T> theta, std::span<const T> log_std,
                    std::span<const int> counts = {});
  void set_mixture(ag::MlpPass<T>& pass, std::span<const T> theta, std::span<const T> log_std, int components,
                   std::span<const int> counts = {});
  void set_categorical(ag::MlpPass<T>& pass, std::span<const T> theta);

  int parameters() const { return static_cast<int>(theta_.size() + log_std_.size()); }

  // out = F v; both [parameters()], [mlp..., log_std...]; overwritten. Throws when sizes disagree.
  void product(std::span<const T> v, std::span<T> out);

  // out = an unbiased estimate of F's diagonal, overwritten, at the price of about half a product:
  //   1/n sum_i (J_i' L_i e_i)^2 elementwise,  M_i = L_i L_i',  e_i random signs of (seed, row)
  // Exact where u is one number, and for the log_std block. Of two passes, without the product of the parts that
  // theta has in the one and in the other (TwoPass::vjp_squares): positive as the diagonal is, but no estimate of it.
  void diagonal(std::uint64_t seed, std::span<T> out);

 private:
  enum class Kind { kGaussian, kMixture, kCategorical };

  template <class Pass>
  void set(Kind kind, const Pass& pass, std::span<const T> theta);
  void set_log_std(std::span<const T> log_std, int outputs, std::span<const int> counts);
  void set_precision();
  void check_sizes(std::size_t a, std::size_t b) const;
  void multiply_metric(T* u, int first, int rows) const;
  void draw_roots(std::uint64_t seed);
  const int* counts_from(int row) const { return counts_.empty() ? nullptr : counts_.data() + row; }
  const T* output_from(int row) const { return pass_->output().data() + std::ptrdiff_t{row} * width_; }

  Kind kind_ = Kind::kGaussian;
  ag::MlpPass<T>* pass_ = nullptr;  // one of the two
  TwoPass<T>* two_pass_ = nullptr;
  Mixture<T> mixture_;
  std::span<const T> theta_, log_std_;
  int rows_ = 0, width_ = 0;
  std::vector<T> tangent_;         // [n][width]
  std::vector<T> probabilities_;   // [n][width], categorical
  std::vector<T> precision_;       // [width], Gaussian: exp(-2 log_std) / n
  std::span<const int> counts_;    // [n] or empty
  std::vector<T> log_std_metric_;  // like log_std
};

extern template class Fisher<float>;
extern template class Fisher<double>;

}  // namespace baton::rl
