#pragma once
// Diagonal Gaussians with one log standard deviation s[d] per dimension, shared by all rows. z = (x - mean)
// e^-s. x and mean are [rows][dim], s is [dim]. T is float or double.
#include <cstdint>

namespace baton::kernels {

// out[r] = sum_d -z^2/2 - s[d] - ln(2 pi)/2; overwrites.
template <class T>
void gaussian_log_prob(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out);

// Gradients of sum_r w[r] log_prob[r]:  d_mean[r][d] = w[r] z e^-s (overwrites; d_x is its negative; may be
// null), d_log_std[d] += sum_r w[r] (z^2 - 1), r ascending (may be null).
template <class T>
void gaussian_log_prob_vjp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* w, T* d_mean, T* d_log_std);

// out[r] = KL(p || q) = sum_d s_q - s_p + (e^(2 s_p) + (mean_p - mean_q)^2) / (2 e^(2 s_q)) - 1/2;
// overwrites.
template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out);

// sum_d s[d] + (1 + ln(2 pi))/2
template <class T>
T gaussian_entropy(int dim, const T* log_std);

namespace ref {
template <class T>
void gaussian_log_prob(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out);
template <class T>
void gaussian_log_prob_vjp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* w, T* d_mean, T* d_log_std);
template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out);
template <class T>
T gaussian_entropy(int dim, const T* log_std);
}  // namespace ref
}  // namespace baton::kernels
