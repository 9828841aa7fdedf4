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
#include "tests/support/sanitizers.hpp"
#ifdef BATON_CUDA_EMULATION
#include "tests/support/cuda_order.hpp"
#endif

// Rows leave out members; GCC 12 dies of a default member initialiser of a vector in a template.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace baton::test {

// What a kernel works on, in device memory or in the host's.
template <class T>
struct Side {
  std::vector<T*> arrays;
  const std::int32_t* index = nullptr;
  double* number = nullptr;       // two results
  std::int64_t* place = nullptr;  // one
  void* scratch = nullptr;        // on the device
  T* operator[](std::size_t i) const { return arrays[i]; }
  T* numbers_of_scratch() const { return static_cast<T*>(scratch); }
};

template <class T>
struct Twin {
  std::string name;
  std::vector<std::int64_t> sizes;  // of the arrays; results are among them, and hold normal numbers at first
  std::function<void(kernels::cuda::Stream&, const Side<T>&)> device;
  std::function<void(const Side<T>&)> reference;
  double relative, absolute;  // tolerances in units of T's epsilon
  std::int64_t scratch_bytes = 0;
  std::vector<std::int32_t> index;
  bool positive = false;  // make all numbers so
};

// Calls f under every order of threads and blocks that the emulation knows; once on a device, and where
// ThreadSanitizer, to which the order is nothing, makes a run long.
template <class F>
void for_each_order(F f) {
#if defined(BATON_CUDA_EMULATION) && !BATON_RACES_SEEN
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

// Where one side is NaN the other must be, too; equal infinities are equal; the rest as check_close does.
template <class T>
void check_twin_array(std::vector<T> got, std::vector<T> want, double rel, double abs,
                      const std::string& what) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if ((std::isnan(got[i]) && std::isnan(want[i])) || got[i] == want[i]) got[i] = want[i] = 0;
  }
  check_close(got, want, rel, abs, what.c_str());
}

// An array on the device with the content of one of the host, and back.
template <class T>
kernels::cuda::Buffer<T> queue_to_device(kernels::cuda::Stream& stream, const std::vector<T>& host) {
  kernels::cuda::Buffer<T> buffer(static_cast<std::int64_t>(host.size()));
  kernels::cuda::upload(stream, std::span(host), buffer.data());
  return buffer;
}
template <class T>
kernels::cuda::Buffer<T> to_device(kernels::cuda::Stream& stream, const std::vector<T>& host) {
  auto buffer = queue_to_device(stream, host);
  stream.synchronize();
  return buffer;
}
template <class T>
std::vector<T> to_host(kernels::cuda::Stream& stream, const kernels::cuda::Buffer<T>& buffer) {
  std::vector<T> host(static_cast<std::size_t>(buffer.size()));
  kernels::cuda::download<T>(stream, buffer.data(), host);
  stream.synchronize();
  return host;
}

template <class T>
std::vector<std::vector<T>> twin_arrays(const Twin<T>& twin, std::size_t shift, bool with_nan) {
  std::vector<std::vector<T>> arrays;
  for (std::size_t a = 0; a < twin.sizes.size(); ++a) {
    const std::size_t size = static_cast<std::size_t>(twin.sizes[a]);
    arrays.push_back(normals<T>(size + shift, 17 * a + 1));
    if (twin.positive) {
      for (T& x : arrays.back()) x = std::fabs(x) + std::numeric_limits<T>::min();
    }
    if (with_nan && size > 0) arrays.back()[shift + 7 * a % size] = std::numeric_limits<T>::quiet_NaN();
  }
  return arrays;
}

template <class T>
void check_twin(const Twin<T>& twin, std::size_t shift, bool with_nan, kernels::cuda::Stream& stream) {
  std::vector<std::vector<T>> host = twin_arrays(twin, shift, with_nan), got = host;
  std::vector<double> number(2, -1), got_number = number;
  std::vector<std::int64_t> place(1, -2), got_place = place;
  // Queued behind one another, with one wait.
  std::vector<kernels::cuda::Buffer<T>> buffers;
  Side<T> on_host, on_device;
  for (auto& array : host) {
    buffers.push_back(queue_to_device(stream, array));
    on_device.arrays.push_back(buffers.back().data() + shift);
    on_host.arrays.push_back(array.data() + shift);
  }
  const auto index = queue_to_device(stream, twin.index);
  const auto device_number = queue_to_device(stream, number);
  const auto device_place = queue_to_device(stream, place);
  const kernels::cuda::Buffer<char> scratch(twin.scratch_bytes);
  on_host.index = twin.index.data(), on_device.index = index.data();
  on_host.number = number.data(), on_device.number = device_number.data();
  on_host.place = place.data(), on_device.place = device_place.data();
  on_device.scratch = scratch.data();
  twin.device(stream, on_device);
  for (std::size_t a = 0; a < host.size(); ++a) kernels::cuda::download<T>(stream, buffers[a].data(), got[a]);
  kernels::cuda::download<double>(stream, device_number.data(), got_number);
  kernels::cuda::download<std::int64_t>(stream, device_place.data(), got_place);
  stream.synchronize();

  twin.reference(on_host);
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t a = 0; a < host.size(); ++a) {
    const std::string what =
        twin.name + ", array " + std::to_string(a) + " of " + std::to_string(twin.sizes[a]);
    check_twin_array(got[a], host[a], twin.relative * eps, twin.absolute * eps, what);
  }
  const double fine = std::numeric_limits<double>::epsilon();
  check_twin_array(got_number, number, twin.relative * fine, twin.absolute * fine, twin.name);
  check_close(got_place, place, 0, 0, twin.name.c_str());
}

template <class T>
void check_twin(const Twin<T>& twin, std::size_t shift, bool with_nan) {
  kernels::cuda::Stream stream;
  check_twin(twin, shift, with_nan, stream);
}

// Every row: aligned and not, with numbers and with a NaN in each array, in every order.
template <class T>
void check_twins(const std::vector<Twin<T>>& twins) {
  for_each_order([&] {
    for (const Twin<T>& twin : twins) {
      check_twin(twin, 0, false);
      check_twin(twin, 1, false);
      if (emulation::kRacesSeen) continue;  // numbers and other shifts race no more
      check_twin(twin, 3, false);
      check_twin(twin, 0, true);
    }
  });
}

}  // namespace baton::test
