#include <doctest/doctest.h>

#include "kernels/cuda/kernels.hpp"
#include "kernels/gather.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

using cuda::Stream;
using test::Side;
using test::Twin;

template <class T>
std::vector<Twin<T>> whole_sums(std::int64_t n) {
  return {{.name = "sum",
           .sizes = {n},
           .device = [=](Stream& s, const Side<T>& a) { cuda::sum<T>(s, n, a[0], a.number, a.scratch); },
           .reference = [=](const Side<T>& a) { a.number[0] = ref::sum<T>(n, a[0]); },
           .relative = 8,
           .absolute = 4 * static_cast<double>(n + 1),
           .scratch_bytes = cuda::kReduceScratchBytes},
          {.name = "dot",
           .sizes = {n, n},
           .device = [=](Stream& s,
                         const Side<T>& a) { cuda::dot<T>(s, n, a[0], a[1], a.number + 1, a.scratch); },
           .reference = [=](const Side<T>& a) { a.number[1] = ref::dot<T>(n, a[0], a[1]); },
           .relative = 8,
           .absolute = 4 * static_cast<double>(n + 1),
           .scratch_bytes = cuda::kReduceScratchBytes},
          {.name = "first_not_finite",
           .sizes = {n},
           .device = [=](Stream& s,
                         const Side<T>& a) { cuda::first_not_finite<T>(s, n, a[0], a.place, a.scratch); },
           .reference = [=](const Side<T>& a) { *a.place = ref::first_not_finite<T>(n, a[0]); },
           .relative = 0,
           .absolute = 0,
           .scratch_bytes = cuda::kReduceScratchBytes}};
}

template <class T>
Twin<T> sum_axis_twin(std::int64_t outer, std::int64_t n, std::int64_t inner, bool accumulate) {
  const std::int64_t scratch = cuda::sum_axis_scratch(outer, n, inner) * static_cast<std::int64_t>(sizeof(T));
  return {.name = "sum_axis",
          .sizes = {outer * n * inner, outer * inner},
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::sum_axis<T>(s, outer, n, inner, T(0.7), a[0], a[1], accumulate, a.numbers_of_scratch());
              },
          .reference =
              [=](const Side<T>& a) { ref::sum_axis<T>(outer, n, inner, T(0.7), a[0], a[1], accumulate); },
          .relative = 4,
          .absolute = 4 * static_cast<double>(n + 1),
          .scratch_bytes = scratch};
}

template <class T>
std::vector<Twin<T>> gathers(std::int64_t cols, const std::vector<std::int32_t>& index, std::int64_t rows) {
  const std::int64_t n = static_cast<std::int64_t>(index.size());
  return {
      {.name = "gather_rows",
       .sizes = {rows * cols, n * cols},
       .device = [=](Stream& s, const Side<T>& a) { cuda::gather_rows<T>(s, n, cols, a[0], a.index, a[1]); },
       .reference = [=](const Side<T>& a) { ref::gather_rows<T>(n, cols, a[0], a.index, a[1]); },
       .relative = 0,
       .absolute = 0,
       .index = index},
      {.name = "scatter_add_rows",  // the same additions in the same order: no tolerance
       .sizes = {n * cols, rows * cols},
       .device =
           [=](Stream& s, const Side<T>& a) {
             cuda::scatter_add_rows<T>(s, n, cols, a[0], a.index, a[1], a.scratch);
           },
       .reference = [=](const Side<T>& a) { ref::scatter_add_rows<T>(n, cols, a[0], a.index, a[1]); },
       .relative = 0,
       .absolute = 0,
       .scratch_bytes = cuda::scatter_add_scratch(n),
       .index = index}};
}

// The index says an element of each of the outer * inner columns.
template <class T>
std::vector<Twin<T>> along_twins(std::int64_t outer, std::int64_t n, std::int64_t inner) {
  std::vector<std::int32_t> index;
  for (std::int64_t p = 0; p < outer * inner; ++p) index.push_back(static_cast<std::int32_t>(p * 5 % n));
  return {
      {.name = "gather_along",
       .sizes = {outer * n * inner, outer * inner},
       .device = [=](Stream& s,
                     const Side<T>& a) { cuda::gather_along<T>(s, outer, n, inner, a[0], a.index, a[1]); },
       .reference = [=](const Side<T>& a) { ref::gather_along<T>(outer, n, inner, a[0], a.index, a[1]); },
       .relative = 0,
       .absolute = 0,
       .index = index},
      {.name = "scatter_add_along",
       .sizes = {outer * inner, outer * n * inner},
       .device =
           [=](Stream& s, const Side<T>& a) {
             cuda::scatter_add_along<T>(s, outer, n, inner, a[0], a.index, a[1]);
           },
       .reference =
           [=](const Side<T>& a) { ref::scatter_add_along<T>(outer, n, inner, a[0], a.index, a[1]); },
       .relative = 0,
       .absolute = 0,
       .index = index}};
}

template <class T>
Twin<T> transpose_twin(int rows, int cols) {
  const std::int64_t n = static_cast<std::int64_t>(rows) * cols;
  return {.name = "transpose",
          .sizes = {n, n},
          .device = [=](Stream& s, const Side<T>& a) { cuda::transpose<T>(s, rows, cols, a[0], a[1]); },
          .reference = [=](const Side<T>& a) { ref::transpose<T>(rows, cols, a[0], a[1]); },
          .relative = 0,
          .absolute = 0};
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: sums, dots and the first number that is not finite equal ref", T, float, double) {
  for (const int n : {0, 1, 31, 33, 255, 257, 2047, 2049, 10'000}) test::check_twins(whole_sums<T>(n));
}

TEST_CASE_TEMPLATE("cuda: more partial sums than the scratch holds are not made", T, float, double) {
  for (const Twin<T>& twin : whole_sums<T>(2048 * 1024 + 5)) test::check_twin(twin, 1, false);
}

TEST_CASE("cuda: a sum is the same from run to run and in every order") {
  constexpr std::int64_t n = 9999;
  Stream stream;
  const auto x = test::to_device(stream, test::normals<float>(n, 3));
  const cuda::Buffer<double> out(1);
  const cuda::Buffer<char> scratch(cuda::kReduceScratchBytes);
  std::vector<double> got;
  test::for_each_order([&] {
    cuda::sum(stream, n, static_cast<const float*>(x.data()), out.data(), scratch.data());
    got.push_back(test::to_host(stream, out)[0]);
  });
  for (const double sum : got) CHECK(sum == got[0]);
}

TEST_CASE_TEMPLATE("cuda: sums over an axis equal ref", T, float, double) {
  for (const int outer : {1, 3}) {
    for (const int n : {0, 1, 7, 100, 513, 1100}) {
      for (const int inner : {1, 2, 9, 33, 64}) {
        test::check_twins<T>(
            {sum_axis_twin<T>(outer, n, inner, false), sum_axis_twin<T>(outer, n, inner, true)});
      }
    }
  }
}

TEST_CASE_TEMPLATE("cuda: gather and scatter_add equal ref, repeated indices included", T, float, double) {
  std::vector<std::int32_t> many;
  for (int i = 0; i < 300; ++i) many.push_back(i * i % 11);
  for (const int cols : {0, 1, 5, 33, 130}) {
    test::check_twins(gathers<T>(cols, {}, 7));
    test::check_twins(gathers<T>(cols, {2}, 7));
    test::check_twins(gathers<T>(cols, {3, 0, 3, 3, 6, 1, 0}, 7));
    test::check_twins(gathers<T>(cols, many, 11));
  }
}

TEST_CASE_TEMPLATE("cuda: rows are scattered in ascending order, as many as there are", T, float, double) {
  kernels::Random random(7);
  for (const int n : {255, 256, 257, 512, 513, 1300}) {  // runs of 256 are sorted, then merged
    std::vector<std::int32_t> same, falling, few;
    for (int i = 0; i < n; ++i) {
      same.push_back(2);
      falling.push_back(n - 1 - i);
      few.push_back(static_cast<std::int32_t>(40 * random.uniform()));
    }
    test::check_twins(gathers<T>(3, same, 3));
    test::check_twins(gathers<T>(1, falling, n));
    test::check_twins(gathers<T>(2, few, 41));
  }
}

TEST_CASE_TEMPLATE("cuda: elements along an axis are gathered and scattered as in ref", T, float, double) {
  for (const int inner : {1, 4, 33}) {
    for (const int outer : {0, 1, 9}) test::check_twins(along_twins<T>(outer, 7, inner));
  }
}

TEST_CASE_TEMPLATE("cuda: the largest along an axis and its place: the first of equals, a NaN above all", T,
                   float, double) {
  Stream stream;
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  for (const int inner : {1, 3}) {
    for (const int n : {1, 2, 33, 100}) {
      std::vector<T> x = test::normals<T>(static_cast<std::size_t>(4 * n * inner), 3);
      for (T& value : x) value = std::round(value);  // equals
      x[0] = nan, x[x.size() - 1] = nan, x[x.size() / 2] = inf;
      if (n == 2) std::fill(x.begin(), x.end(), -inf);
      const std::size_t columns = static_cast<std::size_t>(4 * inner);
      std::vector<T> want(columns);
      std::vector<std::int32_t> want_index(columns);
      ref::max_axis<T>(4, n, inner, x.data(), want.data(), want_index.data());
      const auto on_device = test::to_device(stream, x);
      const cuda::Buffer<T> y(4 * inner);
      const cuda::Buffer<std::int32_t> index(4 * inner);
      test::for_each_order([&] {
        cuda::max_axis<T>(stream, 4, n, inner, on_device.data(), y.data(), index.data());
        test::check_twin_array(test::to_host(stream, y), want, 0, 0, "max_axis");
        CHECK(test::to_host(stream, index) == want_index);
      });
    }
  }
}

TEST_CASE_TEMPLATE("cuda: transpose equals ref", T, float, double) {
  std::vector<Twin<T>> twins;
  for (const int rows : {0, 1, 31, 33, 64, 70}) {
    for (const int cols : {1, 8, 32, 65}) twins.push_back(transpose_twin<T>(rows, cols));
  }
  test::check_twins(twins);
}

}  // namespace baton::kernels
