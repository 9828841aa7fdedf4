#pragma once
// Squares as wide as a vector, transposed in registers. Included by the texts of matrix products, once per instruction
// set.
#include "kernels/cpu/vector.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

template <class T>
struct LaneIndex;
template <>
struct LaneIndex<float> {
  typedef int32_t Type;
};
template <>
struct LaneIndex<double> {
  typedef int64_t Type;
};

// Step s = 2^step swaps, between vectors j and j + s, the lanes whose numbers differ in bit s: lanes[step][0] is what
// comes to stand in the first of the two, [1] in the second. Computed beforehand: GCC would put an index together lane
// by lane at every call.
template <class T>
struct Swaps {
  typedef typename LaneIndex<T>::Type Index;
  static constexpr int kW = kWidth<T>;
  alignas(64) Index lanes[4][2][kW] = {};
  constexpr Swaps() {
    for (int step = 0; 1 << step < kW; ++step) {
      const int s = 1 << step;
      for (int l = 0; l < kW; ++l) {
        lanes[step][0][l] = static_cast<Index>((l & s) != 0 ? kW + l - s : l);
        lanes[step][1][l] = static_cast<Index>((l & s) != 0 ? kW + l : l + s);
      }
    }
  }
};
template <class T>
constexpr Swaps<T> kSwaps;

template <class T>
[[gnu::always_inline]] inline void turn(Vec<T>* v) {
  typedef typename LaneIndex<T>::Type Index;
  typedef Index Lanes __attribute__((vector_size(BATON_VECTOR_BYTES)));
#pragma GCC unroll 4
  for (int step = 0; 1 << step < kWidth<T>; ++step) {
    const Lanes first = *reinterpret_cast<const Lanes*>(kSwaps<T>.lanes[step][0]);
    const Lanes second = *reinterpret_cast<const Lanes*>(kSwaps<T>.lanes[step][1]);
#pragma GCC unroll 16
    for (int j = 0; j < kWidth<T>; ++j) {
      const int s = 1 << step;
      if ((j & s) != 0) continue;
      const Vec<T> kept = __builtin_shuffle(v[j], v[j + s], first);
      v[j + s] = __builtin_shuffle(v[j], v[j + s], second);
      v[j] = kept;
    }
  }
}

// out[p][j] = in[j][p] for j < columns, p < rows, both at most kWidth; columns beyond get zeros.
template <class T>
void turn_square(int columns, int rows, const T* in, int64_t ld_in, T* out, int64_t ld_out) {
  constexpr int kW = kWidth<T>;
  Vec<T> v[kW];
  if (columns == kW && rows == kW) {
#pragma GCC unroll 16
    for (int j = 0; j < kW; ++j) v[j] = load(in + j * ld_in);
    turn<T>(v);
#pragma GCC unroll 16
    for (int p = 0; p < kW; ++p) store(out + p * ld_out, v[p]);
    return;
  }
#pragma GCC unroll 16
  for (int j = 0; j < kW; ++j) v[j] = j < columns ? load_part(in + j * ld_in, rows) : Vec<T>{};
  turn<T>(v);
#pragma GCC unroll 16
  for (int p = 0; p < kW; ++p) {
    if (p < rows) store(out + p * ld_out, v[p]);
  }
}

}  // namespace
}  // namespace baton::kernels::BATON_ISA
