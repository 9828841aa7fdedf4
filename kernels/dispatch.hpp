#pragma once
// The kernels chosen for this machine. Each text kernels/cpu/<stem>.cpp is compiled once per instruction set
// into a namespace of its own and fills its part of a table; the public functions call through the table of
// the best set that the processor has, or of the one that the environment variable BATON_ISA (base, avx2,
// avx512, amx) names.
#include "kernels/adam.hpp"
#include "kernels/categorical.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gather.hpp"
#include "kernels/gaussian.hpp"
#include "kernels/gemm.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"
#include "kernels/sgd.hpp"
#include "kernels/softmax.hpp"

namespace baton::kernels {

template <class T>
struct Table {
  decltype(&kernels::gemm<T>) gemm;
  decltype(&kernels::pack<T>) pack;
  decltype(&kernels::gemm_packed<T>) gemm_packed;
  decltype(&kernels::bulk_gemm<T>) bulk_gemm;
  decltype(&kernels::bulk_pack<T>) bulk_pack;
  decltype(&kernels::bulk_gemm_packed<T>) bulk_gemm_packed;
  decltype(&kernels::transpose<T>) transpose;
  decltype(&kernels::unary<T>) unary;
  decltype(&kernels::unary_derivative<T>) unary_derivative;
  decltype(&kernels::bias_unary<T>) bias_unary;
  decltype(&kernels::binary<T>) binary;
  decltype(&kernels::where<T>) where;
  decltype(&kernels::clamp<T>) clamp;
  decltype(&kernels::clamp_derivative<T>) clamp_derivative;
  decltype(&kernels::axpy<T>) axpy;
  decltype(&kernels::multiply_add<T>) multiply_add;
  decltype(&kernels::scale_columns<T>) scale_columns;
  decltype(&kernels::sum<T>) sum;
  decltype(&kernels::dot<T>) dot;
  decltype(&kernels::sum_axis<T>) sum_axis;
  decltype(&kernels::max_axis<T>) max_axis;
  decltype(&kernels::first_not_finite<T>) first_not_finite;
  decltype(&kernels::gather_strided_rows<T>) gather_strided_rows;
  decltype(&kernels::scatter_add_rows<T>) scatter_add_rows;
  decltype(&kernels::gather_along<T>) gather_along;
  decltype(&kernels::scatter_add_along<T>) scatter_add_along;
  decltype(&kernels::gaussian_log_prob<T>) gaussian_log_prob;
  decltype(&kernels::gaussian_log_prob_vjp<T>) gaussian_log_prob_vjp;
  decltype(&kernels::gaussian_log_prob_jvp<T>) gaussian_log_prob_jvp;
  decltype(&kernels::gaussian_kl<T>) gaussian_kl;
  decltype(&kernels::gaussian_kl_vjp<T>) gaussian_kl_vjp;
  decltype(&kernels::gaussian_kl_jvp<T>) gaussian_kl_jvp;
  decltype(&kernels::gaussian_entropy<T>) gaussian_entropy;
  decltype(&kernels::categorical_log_prob<T>) categorical_log_prob;
  decltype(&kernels::categorical_log_prob_vjp<T>) categorical_log_prob_vjp;
  decltype(&kernels::categorical_kl<T>) categorical_kl;
  decltype(&kernels::categorical_kl_vjp<T>) categorical_kl_vjp;
  decltype(&kernels::categorical_entropy<T>) categorical_entropy;
  decltype(&kernels::categorical_entropy_vjp<T>) categorical_entropy_vjp;
  decltype(&kernels::softmax<T>) softmax;
  decltype(&kernels::softmax_derivative<T>) softmax_derivative;
  decltype(&kernels::log_softmax<T>) log_softmax;
  decltype(&kernels::log_softmax_vjp<T>) log_softmax_vjp;
  decltype(&kernels::log_softmax_jvp<T>) log_softmax_jvp;
  decltype(&kernels::log_sum_exp<T>) log_sum_exp;
  decltype(&kernels::log_sum_exp_vjp<T>) log_sum_exp_vjp;
  decltype(&kernels::log_sum_exp_jvp<T>) log_sum_exp_jvp;
  decltype(&kernels::layer_norm<T>) layer_norm;
  decltype(&kernels::layer_norm_vjp<T>) layer_norm_vjp;
  decltype(&kernels::layer_norm_jvp<T>) layer_norm_jvp;
  decltype(&kernels::adam<T>) adam;
  decltype(&kernels::sgd<T>) sgd;
  decltype(&kernels::fill_u64) fill_u64;  // one text, in both tables
};

// Sets compiled in, in ascending order of preference: "base", "avx2", "avx512", "amx".
int isa_count();
const char* isa_name(int isa);
const char* isa_vectors(
    int isa);  // the set of its vectors: "avx512" for "amx", which adds tiles, else its own name
bool isa_available(int isa);  // the processor has it
int current_isa();
// For tests and benchmarks; throws Error when the machine lacks it. Not while kernels run.
void set_isa(int isa);
template <class T>
const Table<T>& table();

// A buffer of the calling thread of at least `bytes`, aligned to 64; the same one on every call, never freed
// in between.
void* thread_buffer(std::int64_t bytes);

}  // namespace baton::kernels
