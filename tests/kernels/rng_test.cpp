#include "kernels/rng.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "kernels/divisor.hpp"
#include "kernels/error.hpp"
#include "tests/kernels/isa.hpp"
#include "tests/support/compare.hpp"

namespace baton::kernels {

TEST_CASE("philox equals the published known answers") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U});
  CHECK(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) ==
        Block{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU});
  CHECK(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}) ==
        Block{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE("filling equals stateless access at any offset and length") {
  for (const std::uint64_t first : {0ULL, 1ULL, 2ULL, 3ULL, 5ULL, 0xFFFFFFFFULL}) {
    for (const std::size_t n : {0U, 1U, 3U, 4U, 9U}) {
      std::vector<float> uniform(n), normal(n);
      fill_uniform(11, 5, first, uniform);
      fill_normal(11, 5, first, normal);
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(uniform[i] == uniform_at(11, 5, first + i));
        CHECK(normal[i] == normal_at(11, 5, first + i));
      }
    }
  }
}

TEST_CASE("a generator walks its stream's words in order and a copy continues alike") {
  Random random(3, 9);
  for (std::uint64_t i = 0; i < 7; ++i) CHECK(random.next_u32() == u32_at(3, 9, i));
  Random copy = random;
  for (int i = 0; i < 9; ++i) CHECK(copy.normal() == random.normal());
  CHECK(copy.next_u64() == random.next_u64());
}

TEST_CASE("normal numbers have the moments of N(0, 1) and match Box-Muller by libm") {
  constexpr int n = 400000;
  std::vector<float> x(n);
  fill_normal(7, 0, 0, x);
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const float v : x) {
    const double d = static_cast<double>(v);
    m1 += d / n, m2 += d * d / n, m3 += d * d * d / n, m4 += d * d * d * d / n;
  }
  // Five standard errors of each moment.
  CHECK(std::fabs(m1) < 5 / std::sqrt(n));
  CHECK(std::fabs(m2 - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::fabs(m3) < 5 * std::sqrt(15.0 / n));
  CHECK(std::fabs(m4 - 3) < 5 * std::sqrt(96.0 / n));
  std::vector<float> want(4000), got(x.begin(), x.begin() + 4000);
  for (std::uint64_t i = 0; i < want.size(); i += 2) {
    const double u = (u32_at(7, 0, i) + 0.5) * 0x1p-32, t = u32_at(7, 0, i + 1) * 0x1p-32;
    const double radius = std::sqrt(-2 * std::log(u)), angle = 2 * std::acos(-1.0) * t;
    want[i] = static_cast<float>(radius * std::cos(angle));
    want[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  test::check_close(got, want, 1e-6, 1e-7, "normal");
}

TEST_CASE("below(n) is uniform and stays below n") {
  Random random(1);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) {
    const std::uint32_t k = random.below(7);
    REQUIRE(k < 7);
    ++counts[k];
  }
  for (const int c : counts) CHECK(std::abs(c - 10000) < 500);
  for (int i = 0; i < 1000; ++i) CHECK(random.below64(0xC000000000000001ULL) < 0xC000000000000001ULL);
  CHECK(random.below(1) == 0);
  CHECK(random.below(0) == 0);
}

TEST_CASE("numbers skipped are those that would have come") {
  for (const int before : {0, 1, 2, 3, 4, 7}) {
    for (const int skipped : {0, 1, 2, 3, 4, 5, 8, 1001}) {
      CAPTURE(before);
      CAPTURE(skipped);
      Random jumps(3, 9), walks(3, 9);
      for (int i = 0; i < before; ++i) jumps.next_u32(), walks.next_u32();
      for (int i = 0; i < skipped; ++i) walks.next_u32();
      jumps.skip(static_cast<std::uint64_t>(skipped));
      for (int i = 0; i < 6; ++i) CHECK(jumps.next_u32() == walks.next_u32());
    }
  }
}

TEST_CASE("numbers of 64 bits made in vectors are the words of the stream, at any offset and length") {
  const std::uint64_t seed = 0x123456789ABCDEF0ULL, stream = 0xFEDCBA9876543210ULL, untouched = 42;
  test::for_each_isa([&] {
    // Blocks, two numbers each, from 0 on and where their index comes to need more than 32 bits.
    for (const std::uint64_t first : {0ULL, 1ULL, 2ULL, 3ULL, (1ULL << 33) - 6, (1ULL << 33) - 5}) {
      for (const int n : test::awkward_sizes()) {
        CAPTURE(first);
        CAPTURE(n);
        std::vector<std::uint64_t> got(static_cast<std::size_t>(n) + 2, untouched), want = got;
        fill_u64(seed, stream, first, n, got.data() + 1);
        ref::fill_u64(seed, stream, first, n, want.data() + 1);
        CHECK(got == want);
      }
    }
  });
  Random one_by_one(seed, stream);
  std::vector<std::uint64_t> specified(9);
  ref::fill_u64(seed, stream, 0, 9, specified.data());
  for (const std::uint64_t x : specified) CHECK(x == one_by_one.next_u64());
  CHECK_THROWS_AS(fill_u64(seed, stream, 0, -1, specified.data()), Error);
}

TEST_CASE("many numbers below n are those drawn one by one, refused ones and the place in the stream alike") {
  test::for_each_isa([] {
    for (const std::uint64_t n : {0ULL, 1ULL, 2ULL, 30ULL, 1000003ULL, 1ULL << 32, 1ULL << 63,
                                  (1ULL << 63) + 1, 0xC000000000000001ULL, ~0ULL}) {
      for (const int before : {0, 1, 2, 3, 4}) {
        for (const std::size_t wanted : {1U, 2U, 5U, 1001U}) {
          CAPTURE(n);
          CAPTURE(before);
          CAPTURE(wanted);
          Random many(11), single(11);
          for (int i = 0; i < before; ++i) many.next_u32(), single.next_u32();
          std::vector<std::uint64_t> got(wanted);
          many.fill_below64(n, got);
          int wrong = 0;
          for (const std::uint64_t x : got) wrong += x != single.below64(n);
          CHECK(wrong == 0);
          CHECK(many.next_u32() == single.next_u32());
        }
      }
    }
  });
}

TEST_CASE("a divisor divides as / and % do") {
  const std::uint64_t numbers[] = {1,
                                   2,
                                   3,
                                   7,
                                   10,
                                   30,
                                   255,
                                   256,
                                   0xFFFFFFFF,
                                   1ULL << 32,
                                   0x123456789ABCDEF,
                                   (1ULL << 63) - 1,
                                   1ULL << 63,
                                   (1ULL << 63) + 1,
                                   ~0ULL - 1,
                                   ~0ULL};
  for (const std::uint64_t n : numbers) {
    const Divisor divisor(n);
    const auto same = [&](std::uint64_t x) {
      const auto [quotient, rest] = divisor.divide(x);
      return quotient == x / n && rest == x % n;
    };
    CAPTURE(n);
    for (const std::uint64_t k : numbers) {
      CAPTURE(k);
      for (const std::uint64_t x : {k, k * n - 1, k * n, k * n + 1}) CHECK(same(x));
    }
    CHECK(same(0));
  }
}

TEST_CASE("derived seeds differ from one another and from their parent") {
  std::set<std::uint64_t> seen = {42};
  for (std::uint64_t a = 0; a < 50; ++a) {
    for (std::uint64_t b = 0; b < 50; ++b) CHECK(seen.insert(mix_seed(42, a, b)).second);
  }
}

}  // namespace baton::kernels
