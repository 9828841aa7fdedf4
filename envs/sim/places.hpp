#pragma once
// Which environment lives in which lane of which tile. A tile pays for what any of its lanes touches: environments
// that touch the same things are brought together, from time to time, so that few tiles pay. Nobody can tell but by the
// clock: an environment's bytes do not depend on its place.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace baton::sim {

class Places {
 public:
  // n environments in tiles of `width`; environment e begins in place e, lane e % width of tile e / width.
  Places(int n, int width);

  int of(int env) const { return place_[static_cast<std::size_t>(env)]; }
  int env_at(int place) const { return env_[static_cast<std::size_t>(place)]; }

  // keys[place]: what the environment there touches, alike for those that belong together. The environments with the
  // most frequent key come last, the others before them in the order of their keys, so that tiles with much to do are
  // begun first; one that is in a right tile stays.
  // swap(p, q): what lives in places p and q, of different tiles, changes places. Returns the number of swaps. Does not
  // allocate.
  int regroup(std::span<const std::uint64_t> keys, const std::function<void(int, int)>& swap);

 private:
  struct Frequent {
    std::uint64_t key = 0;
    int count = 0;
  };
  // The smallest of the most frequent keys, and how many have it.
  Frequent most_frequent(std::span<const std::uint64_t> keys);
  // Swaps until every environment is in the tile of tile_of_.
  int move_all(const std::function<void(int, int)>& swap);

  int width_;
  std::vector<int> place_;  // [env]
  std::vector<int> env_;    // [place]
  // Scratch: the tile where an environment belongs [env]; places in order of keys; by tile; keys in order.
  std::vector<int> tile_of_, order_, room_;
  std::vector<std::uint64_t> sorted_;
};

}  // namespace baton::sim
