#pragma once
// A CUDA kernel against its reference: a row of a table says which arrays there are and how to call both.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/device.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"
#ifdef BATON_CUDA_EMULATION
#include "tests/support/cuda_order.hpp"
#endif

namespace baton::test {

template <class T>
using Arrays = std::vector<T*>;

template <class T>
struct Twin {
  std::string name;
  std::vector<std::int64_t> sizes;  // of the arrays; results are among them, and hold normal numbers at first
  std::function<void(kernels::cuda::Stream&, const Arrays<T>&)> device;
  std::function<void(const Arrays<T>&)> reference;
  double relative, absolute;  // tolerances in units of T's epsilon
  bool positive = false;      // the arrays' numbers
};

// Calls f under every order of threads and blocks that the emulation knows; once on a device.
template <class F>
void for_each_order(F f) {
#ifdef BATON_CUDA_EMULATION
  using emulation::Order;
  for (const Order order : {Order::kForward, Order::kReverse, Order::kShuffled}) {
    emulation::set_order(order);
    f();
  }
  emulation::set_order(Order::kForward);
#else
  f();
#endif
}

// Where one side is NaN the other must be, too; the rest is compared as check_close does.
template <class T>
void check_twin_array(std::vector<T> got, std::vector<T> want, double rel, double abs, const char* what) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(want[i])) got[i] = want[i] = 0;
    if (got[i] == want[i]) got[i] = want[i] = 0;  // infinities
  }
  check_close(got, want, rel, abs, what);
}

template <class T>
void check_twin(const Twin<T>& twin, std::size_t shift, bool with_nan) {
  std::vector<std::vector<T>> host;
  std::vector<kernels::cuda::Buffer<T>> buffers;
  Arrays<T> on_host, on_device;
  kernels::cuda::Stream stream;
  for (std::size_t a = 0; a < twin.sizes.size(); ++a) {
    const std::size_t size = static_cast<std::size_t>(twin.sizes[a]) + shift;
    host.push_back(normals<T>(size, 17 * a + 1));
    if (twin.positive) {
      for (T& x : host.back()) x = std::fabs(x) + std::numeric_limits<T>::min();
    }
    if (with_nan && size > shift)
      host.back()[shift + 7 * a % (size - shift)] = std::numeric_limits<T>::quiet_NaN();
    buffers.emplace_back(static_cast<std::int64_t>(size));
    on_device.push_back(buffers.back().data() + shift);
  }
  for (auto& array : host) on_host.push_back(array.data() + shift);
  for (std::size_t a = 0; a < host.size(); ++a)
    kernels::cuda::upload(stream, std::span<const T>(host[a]), buffers[a].data());
  stream.synchronize();
  twin.device(stream, on_device);
  std::vector<std::vector<T>> got;
  for (std::size_t a = 0; a < host.size(); ++a) {
    got.emplace_back(host[a].size());
    kernels::cuda::download(stream, static_cast<const T*>(buffers[a].data()), std::span(got[a]));
  }
  stream.synchronize();
  twin.reference(on_host);
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t a = 0; a < host.size(); ++a) {
    const std::string what =
        twin.name + ", array " + std::to_string(a) + " of " + std::to_string(twin.sizes[a]);
    check_twin_array(got[a], host[a], twin.relative * eps, twin.absolute * eps, what.c_str());
  }
}

// Every row: aligned and not, with numbers and with a NaN in each array, in every order.
template <class T>
void check_twins(const std::vector<Twin<T>>& twins) {
  for_each_order([&] {
    for (const Twin<T>& twin : twins) {
      for (const std::size_t shift : {0U, 1U, 3U}) check_twin(twin, shift, false);
      check_twin(twin, 0, true);
    }
  });
}

}  // namespace baton::test
