// Environments that touch the same things share tiles.
#include "envs/sim/places.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

using namespace baton::sim;

namespace {

// What lives in each place, moved along with the swaps: the environment and its key.
struct Town {
  std::vector<int> env;
  std::vector<std::uint64_t> key;
  int width;
  Places places;

  Town(std::vector<std::uint64_t> keys, int tile_width)
      : env(keys.size()),
        key(std::move(keys)),
        width(tile_width),
        places(static_cast<int>(env.size()), width) {
    for (std::size_t i = 0; i < env.size(); ++i) env[i] = static_cast<int>(i);
  }
  int regroup() {
    const auto before = key;
    return places.regroup(before, [&](int p, int q) {
      CHECK(p / width != q / width);
      std::swap(env[p], env[q]);
      std::swap(key[p], key[q]);
    });
  }
  // Tiles in which a key is found, over all keys but `common`.
  int tiles_of_others(std::uint64_t common) const {
    std::set<std::pair<std::uint64_t, int>> found;
    for (std::size_t p = 0; p < key.size(); ++p)
      if (key[p] != common) found.insert({key[p], static_cast<int>(p) / width});
    return static_cast<int>(found.size());
  }
};

}  // namespace

TEST_CASE("places: environments with the same key come to share as few tiles as can be") {
  std::mt19937 gen(3);
  for (const int n : {1, 16, 17, 64, 100, 333}) {
    for (const int width : {4, 16}) {
      CAPTURE(n);
      CAPTURE(width);
      std::discrete_distribution<int> draw({70, 10, 10, 5, 5});
      std::vector<std::uint64_t> keys(static_cast<std::size_t>(n));
      for (auto& key : keys) key = static_cast<std::uint64_t>(draw(gen)) + 5;
      const auto of_env = keys;
      Town town(keys, width);
      for (int round = 0; round < 4; ++round) {
        town.regroup();
        std::map<std::uint64_t, int> count;
        for (const auto key : town.key) ++count[key];
        const auto common = std::ranges::max_element(count, {}, [](const auto& c) { return c.second; });
        // In order before the common ones, m environments with one key need m / width tiles and at most two more.
        int most = 0;
        for (const auto& [key, m] : count)
          if (key != common->first) most += (m + width - 2) / width + 1;
        CHECK(town.tiles_of_others(common->first) <= most);
        const int first =
            (n - common->second + width - 1) / width * width;  // of the tiles of common ones alone
        for (int p = first; p < n; ++p) CHECK(town.key[p] == common->first);
        for (int p = 0; p < n; ++p) CHECK(town.places.of(town.env[p]) == p);
        CHECK(town.regroup() == 0);  // all are in their place
        // A few of them turn to something else.
        for (auto& key : town.key)
          if (gen() % 8 == 0) key = 5 + gen() % 5;
      }
      CHECK(std::set<int>(town.env.begin(), town.env.end()).size() == of_env.size());
    }
  }
}

TEST_CASE("places: one environment that touches something else moves one other") {
  std::vector<std::uint64_t> keys(64, 1);
  keys[50] = 2;
  Town town(keys, 16);
  CHECK(town.regroup() == 1);
  CHECK(town.places.of(50) / 16 == 0);
  CHECK(town.env[50] / 16 == 0);  // who was moved for it
  town.key[town.places.of(20)] = 2;
  CHECK(town.regroup() == 1);
  CHECK(town.places.of(20) / 16 == 0);
  CHECK(town.places.of(50) / 16 == 0);
}
