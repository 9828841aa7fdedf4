#include "rl/policy/heads/mixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/error.hpp"

namespace baton::rl {
namespace {

template <class T>
using PerComponent = std::array<T, kMostComponents>;

// What is less likely than the most likely by more than this factor's logarithm counts as 0: derivatives that are no
// normal floats would make the products behind them many times slower.
constexpr int kNegligible = -60;

// x becomes softmax(x); returns ln sum exp.
template <class T>
T softmax(int n, T* x) {
  const T most = *std::max_element(x, x + n);
  T sum = 0;
  for (int k = 0; k < n; ++k) {
    const T below = x[k] - most;
    sum += x[k] = below < kNegligible ? T(0) : std::exp(below);
  }
  for (int k = 0; k < n; ++k) x[k] /= sum;
  return most + std::log(sum);
}

}  // namespace

template <class T>
void Mixture<T>::set(int components, std::span<const T> log_std) {
  BATON_REQUIRE(components >= 1 && components <= kMostComponents,
                "mixture: {} components, 1..{} are expected", components, kMostComponents);
  components_ = components;
  dim_ = static_cast<int>(log_std.size());
  log_std_ = log_std;
  inverse_.resize(log_std.size());
  for (std::size_t j = 0; j < log_std.size(); ++j) inverse_[j] = std::exp(-log_std[j]);
}

// p = softmax of a row's logits; returns ln sum exp of them.
template <class T>
T Mixture<T>::weights(const T* u, T* p) const {
  std::copy_n(logits(u), components_, p);
  return softmax(components_, p);
}

// r_k = p(k | y), over the first c numbers; returns ln sum_k exp(logit_k) N_k(y) without N's constant factor.
template <class T>
T Mixture<T>::joint(const T* u, const T* y, int c, T* r) const {
  for (int k = 0; k < components_; ++k) {
    const T* m = mean(u, k);
    T squares = 0;
    for (int j = 0; j < c; ++j) {
      const T z = (y[j] - m[j]) * inverse_[static_cast<std::size_t>(j)];
      squares += z * z;
    }
    r[k] = logits(u)[k] - squares / 2;
  }
  return softmax(components_, r);
}

template <class T>
void Mixture<T>::log_prob(int rows, const int* counts, const T* u, const T* y, T* out) const {
  const T half_log_tau = static_cast<T>(0.5 * std::log(2 * std::numbers::pi));
  PerComponent<T> scratch;
  for (int i = 0; i < rows; ++i, u += width(), y += dim_) {
    const int c = count(counts, i);
    T constant = 0;
    for (int j = 0; j < c; ++j) constant += log_std_[static_cast<std::size_t>(j)] + half_log_tau;
    const T together = joint(u, y, c, scratch.data());
    out[i] = together - weights(u, scratch.data()) - constant;
  }
}

template <class T>
void Mixture<T>::log_prob_vjp(int rows, const int* counts, const T* u, const T* y, const T* w, T* d_u,
                              T* d_log_std) const {
  PerComponent<T> r, p;
  for (int i = 0; i < rows; ++i, u += width(), y += dim_) {
    const int c = count(counts, i);
    joint(u, y, c, r.data());
    for (int k = 0; d_log_std != nullptr && k < components_; ++k) {
      const T* m = mean(u, k);
      const T share = w[i] * r[static_cast<std::size_t>(k)];
      for (int j = 0; j < c; ++j) {
        const T z = (y[j] - m[j]) * inverse_[static_cast<std::size_t>(j)];
        d_log_std[j] += share * (z * z - 1);
      }
    }
    if (d_u == nullptr) continue;
    weights(u, p.data());
    for (int k = 0; k < components_; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const T *m = mean(u, k), share = w[i] * r[at];
      T* d = mean(d_u, k);
      for (int j = 0; j < c; ++j) {
        const T inverse = inverse_[static_cast<std::size_t>(j)];
        d[j] = share * ((y[j] - m[j]) * inverse * inverse);
      }
      std::fill(d + c, d + dim_, T(0));
      mean(d_u, components_)[k] = w[i] * (r[at] - p[at]);
    }
    d_u += width();
  }
}

template <class T>
void Mixture<T>::kl(int rows, const int* counts, const T* u_old, const T* s_old, const T* u, T* out) const {
  PerComponent<T> p, scratch;
  for (int i = 0; i < rows; ++i, u += width(), u_old += width()) {
    const int c = count(counts, i);
    const T old_sum = weights(u_old, p.data()), sum = weights(u, scratch.data());
    T value = sum - old_sum;
    for (int k = 0; k < components_; ++k) {
      T squares = 0;
      for (int j = 0; j < c; ++j) {
        const T z = (mean(u, k)[j] - mean(u_old, k)[j]) * inverse_[static_cast<std::size_t>(j)];
        squares += z * z;
      }
      value += p[static_cast<std::size_t>(k)] * (logits(u_old)[k] - logits(u)[k] + squares / 2);
    }
    for (int j = 0; j < c; ++j) {
      const T narrower = s_old[j] - log_std_[static_cast<std::size_t>(j)];
      value += (std::exp(2 * narrower) - 1) / 2 - narrower;
    }
    out[i] = value;
  }
}

template <class T>
void Mixture<T>::mode(int rows, const T* u, T* out) const {
  for (int i = 0; i < rows; ++i, u += width(), out += dim_) {
    const T* from = logits(u);
    std::copy_n(mean(u, static_cast<int>(std::max_element(from, from + components_) - from)), dim_, out);
  }
}

template <class T>
int Mixture<T>::component(const T* u, T uniform) const {
  PerComponent<T> p;
  weights(u, p.data());
  int last = 0;  // what is left of 1 by rounding is its
  for (int k = 0; k < components_; ++k) {
    const T share = p[static_cast<std::size_t>(k)];
    if (share > 0) last = k;
    if (uniform < share) return k;
    uniform -= share;
  }
  return last;
}

template <class T>
void Mixture<T>::metric(int rows, const int* counts, const T* u, T share, T* v) const {
  PerComponent<T> p;
  for (int i = 0; i < rows; ++i, u += width(), v += width()) {
    const int c = count(counts, i);
    weights(u, p.data());
    T* logit = mean(v, components_);
    T along = 0;
    for (int k = 0; k < components_; ++k) along += p[static_cast<std::size_t>(k)] * logit[k];
    for (int k = 0; k < components_; ++k) {
      const T weight = share * p[static_cast<std::size_t>(k)];
      T* m = mean(v, k);
      for (int j = 0; j < c; ++j) {
        const T inverse = inverse_[static_cast<std::size_t>(j)];
        m[j] *= weight * (inverse * inverse);
      }
      std::fill(m + c, m + dim_, T(0));
      logit[k] = weight * (logit[k] - along);
    }
  }
}

template <class T>
void Mixture<T>::metric_root(int rows, const int* counts, const T* u, T share, T* e) const {
  PerComponent<T> p;
  for (int i = 0; i < rows; ++i, u += width(), e += width()) {
    const int c = count(counts, i);
    weights(u, p.data());
    T* logit = mean(e, components_);
    T sum = 0;
    for (int k = 0; k < components_; ++k) {
      const T root = std::sqrt(share * p[static_cast<std::size_t>(k)]);
      T* m = mean(e, k);
      for (int j = 0; j < c; ++j) m[j] *= root * inverse_[static_cast<std::size_t>(j)];
      std::fill(m + c, m + dim_, T(0));
      sum += logit[k] *= root;  // L = (I - p 1') diag(sqrt p):  L L' = diag(p) - p p'
    }
    for (int k = 0; k < components_; ++k) logit[k] -= p[static_cast<std::size_t>(k)] * sum;
  }
}

template class Mixture<float>;
template class Mixture<double>;

}  // namespace baton::rl
