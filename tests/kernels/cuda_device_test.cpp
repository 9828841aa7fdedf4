#include <doctest/doctest.h>

#include <vector>

#include "kernels/cuda/device.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/error.hpp"

namespace baton::kernels::cuda {

TEST_CASE("cuda: an arena hands out disjoint aligned arrays until it is full") {
  Arena arena(1000);
  CHECK(arena.capacity() == 1024);
  float* a = arena.take<float>(3);
  float* b = arena.take<float>(64);
  CHECK(b - a == 64);
  CHECK(arena.used() == 512);
  CHECK(arena.take<float>(0) == b + 64);
  CHECK_THROWS_WITH_AS(arena.take<double>(65), "device arena: 768 bytes wanted, 512 of 1024 left", Error);
  CHECK_THROWS_AS(arena.take<double>(-1), Error);
  CHECK_THROWS_AS(arena.take<double>(INT64_MAX / 4), Error);
  CHECK(arena.used() == 512);
}

TEST_CASE("cuda: a stream keeps the order of copies, clears and kernels") {
  Stream stream;
  const std::vector<float> host = {1, 2, 3, 4, 5};
  Arena arena(1024);
  float* a = arena.take<float>(5);
  float* b = arena.take<float>(5);
  std::vector<float> first(5), second(5);
  upload(stream, std::span(host), a);
  copy(stream, 5, a, b);
  clear(stream, 2, a);
  axpy(stream, 5, 10.F, a, b);
  download<float>(stream, a, first);
  download<float>(stream, b, second);
  stream.synchronize();
  CHECK(first == std::vector<float>{0, 0, 3, 4, 5});
  CHECK(second == std::vector<float>{1, 2, 33, 44, 55});
}

TEST_CASE("cuda: a recorded graph does not run until it is replayed, then as often as it is") {
  Stream stream;
  const std::vector<float> ones(7, 1.F);
  Buffer<float> x(7), y(7);
  upload(stream, std::span(ones), x.data());
  clear(stream, 7, y.data());
  stream.synchronize();
  const Graph graph = Graph::record(stream, [&] {
    axpy(stream, 7, 1.F, x.data(), y.data());
    axpy(stream, 7, 1.F, y.data(), x.data());
  });
  std::vector<float> got(7);
  download<float>(stream, y.data(), got);
  stream.synchronize();
  CHECK(got == std::vector<float>(7, 0.F));
  for (int i = 0; i < 3; ++i) graph.replay(stream);
  download<float>(stream, y.data(), got);
  stream.synchronize();
  CHECK(got == std::vector<float>(7, 8.F));  // y: 1, 3, 8; x: 2, 5, 13
}

TEST_CASE("cuda: recording that throws leaves the stream as it was") {
  Stream stream;
  Buffer<float> x(3);
  CHECK_THROWS_WITH_AS(Graph::record(stream,
                                     [&] {
                                       clear(stream, 3, x.data());
                                       throw Error("no");
                                     }),
                       "no", Error);
  const std::vector<float> ones(3, 1.F);
  std::vector<float> got(3);
  upload(stream, std::span(ones), x.data());
  download<float>(stream, x.data(), got);
  stream.synchronize();
  CHECK(got == ones);
}

TEST_CASE("without a device every call says which one failed, where, and why") {
  CHECK(!unavailable_reason().empty());
  std::string message;
  try {
    Stream stream;
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.starts_with("cudaStreamCreateWithFlags failed at kernels/cuda/runtime.cu:"));
  const std::size_t why = message.rfind(": ");  // the runtime's own words follow
  CHECK((why != std::string::npos && why + 2 < message.size()));
  CHECK_THROWS_AS(Buffer<float>(10), Error);
  CHECK_THROWS_AS(device_name(), Error);
}

}  // namespace baton::kernels::cuda
