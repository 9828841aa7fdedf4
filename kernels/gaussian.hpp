#pragma once
// Diagonal Gaussians with one log standard deviation s[d] per dimension, shared by all rows. z = (x - mean)
// e^-s. x and mean are [rows][dim], s is [dim]. What is written overlaps no other argument (Error), but that
// gaussian_log_prob_vjp's d_mean may be x or mean, and gaussian_kl_vjp's d_log_std_p may be d_log_std_q.
// T is float or double.
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

// Tangent of log_prob for tangents of x, mean and log_std (each may be null: zero):
//   out[r] = sum_d -z e^-s (x_dot - mean_dot) + (z^2 - 1) s_dot[d]; overwrites.
template <class T>
void gaussian_log_prob_jvp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* x_dot, const T* mean_dot, const T* log_std_dot, T* out);

// out[r] = KL(p || q) = sum_d s_q - s_p + (e^(2 s_p) + (mean_p - mean_q)^2) / (2 e^(2 s_q)) - 1/2;
// overwrites.
template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out);

// Gradients of sum_r w[r] KL[r], q's variance being v = e^(2 s_q):
//   d_mean_p[r][d] = w[r] (mean_p - mean_q) / v  (overwrites; d_mean_q is its negative; may be null)
//   d_log_std_p[d] += sum_r w[r] (e^(2 s_p) / v - 1)                              (may be null)
//   d_log_std_q[d] += sum_r w[r] (1 - (e^(2 s_p) + (mean_p - mean_q)^2) / v)      (may be null)
template <class T>
void gaussian_kl_vjp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p, T* d_log_std_q);

// Tangent of KL[r] for tangents of the four (each may be null: zero); overwrites.
template <class T>
void gaussian_kl_jvp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot, const T* mean_q_dot,
                     const T* log_std_q_dot, T* out);

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
template <class T>
void gaussian_log_prob_jvp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* x_dot, const T* mean_dot, const T* log_std_dot, T* out);
template <class T>
void gaussian_kl_vjp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p, T* d_log_std_q);
template <class T>
void gaussian_kl_jvp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot, const T* mean_q_dot,
                     const T* log_std_q_dot, T* out);
}  // namespace ref
}  // namespace baton::kernels
