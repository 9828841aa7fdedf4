#include "kernels/gather.hpp"

namespace baton::kernels::ref {

template <class T>
void gather_strided_rows(std::int64_t n, std::int64_t cols, const T* table, std::int64_t stride,
                         const std::int32_t* index, T* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t c = 0; c < cols; ++c) out[i * cols + c] = table[index[i] * stride + c];
  }
}

template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index, T* out) {
  gather_strided_rows(n, cols, table, cols, index, out);
}

template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index, T* table) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t c = 0; c < cols; ++c) table[index[i] * cols + c] += rows[i * cols + c];
  }
}

template <class T>
void gather_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      y[o * inner + i] = x[(o * n + index[o * inner + i]) * inner + i];
    }
  }
}

template <class T>
void scatter_add_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      x[(o * n + index[o * inner + i]) * inner + i] += y[o * inner + i];
    }
  }
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void gather_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);                  \
  template void gather_strided_rows(std::int64_t, std::int64_t, const T*, std::int64_t, const std::int32_t*, \
                                    T*);                                                                     \
  template void scatter_add_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);             \
  template void gather_along(std::int64_t, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);   \
  template void scatter_add_along(std::int64_t, std::int64_t, std::int64_t, const T*, const std::int32_t*,   \
                                  T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
