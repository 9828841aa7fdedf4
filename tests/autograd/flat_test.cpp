#include "autograd/flat.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "kernels/error.hpp"

namespace baton::ag {

TEST_CASE("views stand one after the other and indices have names") {
  FlatLayout layout;
  CHECK(layout.add("w", {2, 3}) == 0);
  CHECK(layout.add("b", {3}) == 6);
  CHECK(layout.add("log_std", {1}) == 9);
  CHECK(layout.size() == 10);
  std::vector<float> flat(10);
  for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = static_cast<float>(i);
  const auto b = layout.view(std::span<float>(flat), "b");
  CHECK(b.size() == 3);
  CHECK(b[0] == 6);
  b[1] = 70;
  CHECK(flat[7] == 70);
  CHECK(layout.name_of(5) == "w[1][2]");
  CHECK(layout.name_of(8) == "b[2]");
  CHECK(layout.name_of(10) == "parameter 10");
}

TEST_CASE("repeated and unknown names, odd extents and other sizes are refused") {
  FlatLayout layout;
  layout.add("w", {2});
  layout.add("b", {2});
  CHECK_THROWS_AS(layout.add("w", {1}), Error);
  CHECK_THROWS_AS(layout.add("x", {0}), Error);
  CHECK_THROWS_AS(layout.add("x", {1 << 20, 1 << 20}), Error);
  CHECK_THROWS_WITH_AS(layout.find("c"), "flat: no parameter 'c', known are w, b", Error);
  std::vector<float> flat(3);
  CHECK_THROWS_AS(layout.view(std::span<float>(flat), "w"), Error);
}

}  // namespace baton::ag
