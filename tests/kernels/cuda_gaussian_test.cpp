#include <doctest/doctest.h>

#include "kernels/cuda/kernels.hpp"
#include "kernels/gaussian.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

using cuda::Stream;
using test::Side;
using test::Twin;

// Arrays: x, mean, log_std, and what follows from them.
template <class T>
std::vector<Twin<T>> table(std::int64_t rows, int dim) {
  const std::int64_t n = rows * dim;
  const double terms = 64.0 * dim;  // log_std near N(0, 1): z^2 reaches some tens
  return {
      {.name = "gaussian_log_prob",
       .sizes = {n, n, dim, rows},
       .device = [=](Stream& s,
                     const Side<T>& a) { cuda::gaussian_log_prob<T>(s, rows, dim, a[0], a[1], a[2], a[3]); },
       .reference = [=](const Side<T>& a) { ref::gaussian_log_prob<T>(rows, dim, a[0], a[1], a[2], a[3]); },
       .relative = 32,
       .absolute = terms},
      {.name = "gaussian_kl",
       .sizes = {n, n, dim, dim, rows},
       .device = [=](Stream& s,
                     const Side<T>& a) { cuda::gaussian_kl<T>(s, rows, dim, a[0], a[2], a[1], a[3], a[4]); },
       .reference = [=](const Side<T>& a) { ref::gaussian_kl<T>(rows, dim, a[0], a[2], a[1], a[3], a[4]); },
       .relative = 32,
       .absolute = terms},
      {.name = "gaussian_entropy",
       .sizes = {dim, 1},
       .device = [=](Stream& s, const Side<T>& a) { cuda::gaussian_entropy<T>(s, dim, a[0], a[1]); },
       .reference = [=](const Side<T>& a) { a[1][0] = ref::gaussian_entropy<T>(dim, a[0]); },
       .relative = 8,
       .absolute = 8.0 * dim}};
}

// with: which of d_mean (1) and d_log_std (2) are asked for.
template <class T>
Twin<T> vjp_twin(std::int64_t rows, int dim, int with) {
  const std::int64_t n = rows * dim;
  const auto d_mean = [=](const Side<T>& a) -> T* { return (with & 1) != 0 ? a[4] : nullptr; };
  const auto d_log_std = [=](const Side<T>& a) -> T* { return (with & 2) != 0 ? a[5] : nullptr; };
  return {.name = "gaussian_log_prob_vjp",
          .sizes = {n, n, dim, rows, n, dim},
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::gaussian_log_prob_vjp<T>(s, rows, dim, a[0], a[1], a[2], a[3], d_mean(a), d_log_std(a),
                                               a.numbers_of_scratch());
              },
          .reference =
              [=](const Side<T>& a) {
                ref::gaussian_log_prob_vjp<T>(rows, dim, a[0], a[1], a[2], a[3], d_mean(a), d_log_std(a));
              },
          .relative = 32,
          .absolute = 64.0 * static_cast<double>(rows + 1),
          .scratch_bytes = cuda::sum_axis_scratch(1, rows, dim) * static_cast<std::int64_t>(sizeof(T))};
}

// with: which of the tangents of x or mean_p (1) and of log_std (2) there are.
template <class T>
std::vector<Twin<T>> jvp_twins(std::int64_t rows, int dim, int with) {
  const std::int64_t n = rows * dim;
  const double terms = 512.0 * dim;
  const auto x_dot = [=](const Side<T>& a) -> T* { return (with & 1) != 0 ? a[4] : nullptr; };
  const auto s_dot = [=](const Side<T>& a) -> T* { return (with & 2) != 0 ? a[5] : nullptr; };
  return {
      {.name = "gaussian_log_prob_jvp",
       .sizes = {n, n, dim, n, n, dim, rows},
       .device =
           [=](Stream& s, const Side<T>& a) {
             cuda::gaussian_log_prob_jvp<T>(s, rows, dim, a[0], a[1], a[2], x_dot(a), a[3], s_dot(a), a[6]);
           },
       .reference =
           [=](const Side<T>& a) {
             ref::gaussian_log_prob_jvp<T>(rows, dim, a[0], a[1], a[2], x_dot(a), a[3], s_dot(a), a[6]);
           },
       .relative = 64,
       .absolute = terms},
      {.name = "gaussian_kl_jvp",
       .sizes = {n, n, dim, dim, n, dim, rows},
       .device =
           [=](Stream& s, const Side<T>& a) {
             cuda::gaussian_kl_jvp<T>(s, rows, dim, a[0], a[2], a[1], a[3], x_dot(a), s_dot(a), a[1], a[3],
                                      a[6]);
           },
       .reference =
           [=](const Side<T>& a) {
             ref::gaussian_kl_jvp<T>(rows, dim, a[0], a[2], a[1], a[3], x_dot(a), s_dot(a), a[1], a[3], a[6]);
           },
       .relative = 64,
       .absolute = terms}};
}

// with: which of d_mean_p (1), d_log_std_p (2) and d_log_std_q (4) are asked for.
template <class T>
Twin<T> kl_vjp_twin(std::int64_t rows, int dim, int with) {
  const std::int64_t n = rows * dim;
  const auto wanted = [=](const Side<T>& a, int bit, std::size_t i) -> T* {
    return (with & bit) != 0 ? a[i] : nullptr;
  };
  return {.name = "gaussian_kl_vjp",
          .sizes = {n, n, dim, dim, rows, n, dim, dim},
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::gaussian_kl_vjp<T>(s, rows, dim, a[0], a[2], a[1], a[3], a[4], wanted(a, 1, 5),
                                         wanted(a, 2, 6), wanted(a, 4, 7), a.numbers_of_scratch());
              },
          .reference =
              [=](const Side<T>& a) {
                ref::gaussian_kl_vjp<T>(rows, dim, a[0], a[2], a[1], a[3], a[4], wanted(a, 1, 5),
                                        wanted(a, 2, 6), wanted(a, 4, 7));
              },
          .relative = 64,
          .absolute = 1024.0 * static_cast<double>(rows + 1),
          .scratch_bytes = cuda::sum_axis_scratch(1, rows, dim) * static_cast<std::int64_t>(sizeof(T))};
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: Gaussian log-probability, KL, entropy and gradients equal ref", T, float, double) {
  for (const int dim : {1, 9, 33, 65}) {
    for (const int rows : {0, 1, 5, 33, 600}) {
      test::check_twins(table<T>(rows, dim));
      for (const int with : {0, 1, 2, 3}) test::check_twins<T>({vjp_twin<T>(rows, dim, with)});
    }
  }
}

TEST_CASE_TEMPLATE("cuda: tangents of log-probability and KL, and KL's gradients, equal ref", T, float,
                   double) {
  for (const int dim : {1, 9, 33}) {
    for (const int rows : {0, 5, 600}) {
      for (const int with : {0, 3}) test::check_twins(jvp_twins<T>(rows, dim, with));
      for (const int with : {0, 1, 2, 4, 7}) test::check_twins<T>({kl_vjp_twin<T>(rows, dim, with)});
    }
  }
}

}  // namespace baton::kernels
