#include "rl/device.hpp"

#include <doctest/doctest.h>

#include "tests/rl/hand_policy.hpp"

using namespace baton;

TEST_CASE("devices: policies whose head is not Gaussian are refused in one line") {
  CHECK_NOTHROW(rl::require_gaussian(test::hand_policy(5, 2, false, 3)));
  CHECK_THROWS_WITH_AS(
      rl::require_gaussian(test::hand_policy(5, 2, false, 3, test::kHeads[1])),
      "--device cuda: policies with a 'two_pass' head are not there on a GPU; --device cpu is expected",
      UsageError);
  CHECK_THROWS_WITH_AS(
      rl::require_gaussian(test::hand_policy(5, 2, false, 3, test::kHeads[2])),
      "--device cuda: policies with a 'mixture' head are not there on a GPU; --device cpu is expected",
      UsageError);
}
