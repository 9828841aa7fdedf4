#pragma once
// Categorical distributions given by logits x [rows][n], n >= 1: p[k] = e^x[k] / sum_j e^x[j]. A logit of
// -infinity is a class of probability 0, which adds nothing to an entropy or a divergence (0 ln 0 = 0). The
// gradients are of sum_r w[r] out[r], w null: all ones; they overwrite. (The Fisher matrix with respect to the
// logits is softmax_derivative of kernels/softmax.hpp.) What is written overlaps no other argument (Error). T is
// float or double.
#include <cstdint>

namespace baton::kernels {

// out[r] = ln p[index[r]]; overwrites. The caller has checked 0 <= index[r] < n.
template <class T>
void categorical_log_prob(std::int64_t rows, int n, const T* logits, const std::int32_t* index, T* out);

// d_logits[r][k] = w[r] ((k == index[r]) - p[k])
template <class T>
void categorical_log_prob_vjp(std::int64_t rows, int n, const T* logits, const std::int32_t* index,
                              const T* w, T* d_logits);

// out[r] = KL(p || q) = sum_k p[k] (ln p[k] - ln q[k]) >= 0, infinite where q lacks a class of p; overwrites.
template <class T>
void categorical_kl(std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out);

// d_p[r][k] = w[r] p[k] (ln p[k] - ln q[k] - KL),  d_q[r][k] = w[r] (q[k] - p[k]); either may be null.
template <class T>
void categorical_kl_vjp(std::int64_t rows, int n, const T* logits_p, const T* logits_q, const T* w, T* d_p,
                        T* d_q);

// out[r] = H = -sum_k p[k] ln p[k]; overwrites.
template <class T>
void categorical_entropy(std::int64_t rows, int n, const T* logits, T* out);

// d_logits[r][k] = -w[r] p[k] (ln p[k] + H)
template <class T>
void categorical_entropy_vjp(std::int64_t rows, int n, const T* logits, const T* w, T* d_logits);

namespace ref {
template <class T>
void categorical_log_prob(std::int64_t rows, int n, const T* logits, const std::int32_t* index, T* out);
template <class T>
void categorical_log_prob_vjp(std::int64_t rows, int n, const T* logits, const std::int32_t* index,
                              const T* w, T* d_logits);
template <class T>
void categorical_kl(std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out);
template <class T>
void categorical_kl_vjp(std::int64_t rows, int n, const T* logits_p, const T* logits_q, const T* w, T* d_p,
                        T* d_q);
template <class T>
void categorical_entropy(std::int64_t rows, int n, const T* logits, T* out);
template <class T>
void categorical_entropy_vjp(std::int64_t rows, int n, const T* logits, const T* w, T* d_logits);
}  // namespace ref
}  // namespace baton::kernels
