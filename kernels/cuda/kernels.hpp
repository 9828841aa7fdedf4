#pragma once
// The CUDA twins of the kernels. Formulas, shapes and aliasing are those of the contract in kernels/<stem>.hpp.
// What is different: pointers are of device memory; the work is queued on `stream`; what is a scalar result
// there is a number in device memory here, so that no step waits for the host. Sums run in an order that
// depends on the sizes alone: the same bits from run to run, but not those of the CPU. T is float or double.
#include <cstdint>

#include "kernels/cuda/device.hpp"
#include "kernels/elementwise.hpp"

namespace baton::kernels::cuda {

// elementwise
template <class T>
void unary(Stream& stream, Unary op, std::int64_t n, const T* x, T* y);
template <class T>
void unary_derivative(Stream& stream, Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out,
                      bool accumulate);
template <class T>
void binary(Stream& stream, Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step,
            T* out);
template <class T>
void axpy(Stream& stream, std::int64_t n, T alpha, const T* x, T* y);
template <class T>
void multiply_add(Stream& stream, std::int64_t n, const T* a, const T* b, T* out);

}  // namespace baton::kernels::cuda
