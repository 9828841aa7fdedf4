#pragma once
// tanh of a vector of floats.
#include "kernels/cpu/vector.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

#if defined(__AVX512F__)
// A polynomial around the nearest multiple of kTanhSpacing: 32 of them reach 9.1, beyond which tanh rounds to 1, and a
// permutation of two registers picks a coefficient for every lane (the technique of Intel's functions in glibc's
// libmvec). Within 2 units in the last place, without a division.
constexpr float kTanhSpacing = 37.0f / 128;  // its multiples up to 31 are exact
constexpr float kTanhEnd = 9.1f;
// [power of t][piece], printed by tanh_table.py
// clang-format off
alignas(64) constexpr float kTanhTable[6][32] = {
    {0.0f, 0.281271696f, 0.521301329f, 0.69994235f, 0.819814026f, 0.894762099f, 0.939570844f, 0.965646565f,
     0.980583072f, 0.989061475f, 0.993849277f, 0.996545076f, 0.998060524f, 0.99891156f, 0.999389291f, 0.999657393f,
     0.999807775f, 0.999892175f, 0.999939501f, 0.999966085f, 0.999980986f, 0.999989331f, 0.99999404f, 0.999996662f,
     0.999998093f, 0.999998927f, 0.999999404f, 0.999999642f, 0.999999821f, 0.999999881f, 0.99999994f, 0.99999994f},
    {1.0f, 0.920886576f, 0.72824496f, 0.510080695f, 0.327904999f, 0.199400797f, 0.117206663f, 0.0675266758f,
     0.0384568907f, 0.0217574481f, 0.0122636482f, 0.00689789793f, 0.00387524604f, 0.00217566849f, 0.00122102292f,
     0.000685115287f, 0.000384372979f, 0.000215631793f, 0.000120964381f, 6.78563665e-05f, 3.80643869e-05f,
     2.13524108e-05f, 1.19773358e-05f, 6.71861562e-06f, 3.76929097e-06f, 2.1144233e-06f, 1.18600451e-06f,
     6.65610514e-07f, 3.73072083e-07f, 2.09536083e-07f, 1.17438546e-07f, 6.62392097e-08f},
    {6.41281133e-07f, -0.259003341f, -0.379635394f, -0.35702914f, -0.268829823f, -0.178418994f, -0.110127889f,
     -0.0652035996f, -0.0377147496f, -0.0215239208f, -0.0121914251f, -0.00687279319f, -0.00387313706f,
     -0.00217062212f, -0.0012180981f, -0.000686576939f, -0.000380437443f, -0.000215010325f, -0.000118122327f,
     -7.04981358e-05f, -4.16294097e-05f, -2.27078272e-05f, -1.74191337e-05f, -1.08554559e-05f, 6.0835157e-07f,
     9.07583967e-07f, -5.98999009e-07f, 4.12105737e-06f, -1.86216459e-06f, 2.57524493e-06f, 5.32927302e-08f,
     5.04100854e-06f},
    {-0.33337298f, -0.234174296f, -0.0448647067f, 0.0798702911f, 0.111078292f, 0.0931740627f, 0.0644007549f,
     0.0404585861f, 0.0241585206f, 0.0140313106f, 0.00802529138f, 0.00455101673f, 0.00256852596f, 0.00144567224f,
     0.000812484417f, 0.000456299924f, 0.000256031984f, 0.000143696525f, 8.05755335e-05f, 4.52812092e-05f,
     2.54406059e-05f, 1.42594963e-05f, 8.08519871e-06f, 4.55546615e-06f, 2.43189425e-06f, 1.35372102e-06f,
     7.79804736e-07f, 3.55193066e-07f, 2.76256941e-07f, 8.81764706e-08f, 7.51341034e-08f, -5.03169737e-08f},
    {0.000727281789f, 0.150014848f, 0.149230897f, 0.0634528473f, -0.000668998575f, -0.0236004125f, -0.0236017685f,
     -0.0174646154f, -0.0109612988f, -0.00654815277f, -0.00380016398f, -0.00229871576f, -0.00107074413f,
     -0.000824324554f, -0.000489888655f, -0.000163523233f, -0.000276206294f, -9.49413225e-05f, -0.000148977429f,
     7.85741431e-05f, 0.000123825303f, 4.47761013e-05f, 0.000204390351f, 0.000156173541f, -0.000168899962f,
     -0.000116433388f, -2.28756126e-05f, -0.000183526121f, 5.68995056e-05f, -0.000106712163f, -6.57734927e-06f,
     -0.000195602232f},
    {0.128876179f, 0.0581543371f, -0.0453453623f, -0.0591422357f, -0.028471563f, -0.00537903141f, 0.00344145903f,
     0.00471463054f, 0.00372127793f, 0.00244903844f, 0.0014910046f, 0.00087433611f, 0.000499975169f, 0.000287948409f,
     0.000163548902f, 8.97780483e-05f, 5.45263974e-05f, 2.93094636e-05f, 1.86609614e-05f, 6.75192678e-06f,
     1.94226823e-06f, 1.65792574e-06f, -3.19825494e-06f, -2.75273646e-06f, 4.36907567e-06f, 2.95120321e-06f,
     6.77102548e-07f, 4.31669559e-06f, -1.26524026e-06f, 2.48761103e-06f, 1.6648778e-07f, 4.51975347e-06f},
};
// clang-format on

[[gnu::always_inline]] inline Vec<float> tanh_coefficient(int power, Vec<float> shifted) {
  const float* row = kTanhTable[power];
  return (Vec<float>)_mm512_permutex2var_ps((__m512)load(row), (__m512i)shifted, (__m512)load(row + 16));
}

[[gnu::always_inline]] inline Vec<float> vec_tanh(Vec<float> x) {
  // One instruction gives the smaller, and the second where it is no number. (GCC 12 warns of _mm512_min_ps.)
  const Vec<float> magnitude =
      (Vec<float>)_mm512_maskz_min_ps(0xFFFF, (__m512)splat(kTanhEnd), (__m512)((VecI32)x & INT32_MAX));
  // Adding 1.5 2^23 rounds to an integer, in whose low bits the permutation finds the piece.
  const Vec<float> magic = splat(12582912.0f);
  const Vec<float> shifted = magnitude * (1 / kTanhSpacing) + magic;
  const Vec<float> t = magnitude - (shifted - magic) * kTanhSpacing;
  Vec<float> sum = tanh_coefficient(5, shifted);
  for (int power = 4; power >= 0; --power) sum = sum * t + tanh_coefficient(power, shifted);
  return (Vec<float>)((VecI32)sum | ((VecI32)x & INT32_MIN));
}
#else
// tanh |x| = (e^2|x| - 1) / (e^2|x| + 1); beyond 10 it rounds to 1.
[[gnu::always_inline]] inline Vec<float> vec_tanh(Vec<float> x) {
  const VecI32 sign = (VecI32)x & INT32_MIN;
  Vec<float> magnitude = (Vec<float>)((VecI32)x & INT32_MAX);
  magnitude = magnitude > 10.0f ? splat(10.0f) : magnitude;
  const Vec<float> e = vec_expm1(magnitude + magnitude);
  return (Vec<float>)((VecI32)(e / (e + 2.0f)) | sign);
}
#endif

}  // namespace
}  // namespace baton::kernels::BATON_ISA
