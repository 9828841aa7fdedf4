#include "envs/sim/places.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace baton::sim {

Places::Places(int n, int width)
    : width_(width),
      place_(static_cast<std::size_t>(n)),
      env_(place_.size()),
      tile_of_(place_.size()),
      order_(place_.size()),
      room_(static_cast<std::size_t>((n + width - 1) / width)),
      sorted_(place_.size()) {
  std::iota(place_.begin(), place_.end(), 0);
  std::iota(env_.begin(), env_.end(), 0);
}

int Places::regroup(std::span<const std::uint64_t> keys, const std::function<void(int, int)>& swap) {
  const int n = static_cast<int>(env_.size());
  const Frequent common = most_frequent(keys);
  std::iota(order_.begin(), order_.end(), 0);
  std::ranges::sort(order_, {}, [&](int place) {
    const std::uint64_t key = keys[static_cast<std::size_t>(place)];
    return std::tuple(key == common.key, key, place);
  });
  const int others = n - common.count;
  for (int i = 0; i < others; ++i) tile_of_[env_[order_[i]]] = i / width_;
  // Of those with the common key, who is in a tile that has room for them stays there while it has; then the rest.
  for (int t = 0; t < static_cast<int>(room_.size()); ++t)
    room_[t] = std::max(0, std::min(n, (t + 1) * width_) - std::max(others, t * width_));
  for (int i = others; i < n; ++i) {
    const int tile = order_[i] / width_;
    const bool stays = room_[tile] > 0;
    room_[tile] -= stays;
    tile_of_[env_[order_[i]]] = stays ? tile : -1;
  }
  int tile = 0;
  for (int i = others; i < n; ++i) {
    int& own = tile_of_[env_[order_[i]]];
    if (own >= 0) continue;
    while (room_[tile] == 0) ++tile;
    --room_[tile];
    own = tile;
  }
  return move_all(swap);
}

Places::Frequent Places::most_frequent(std::span<const std::uint64_t> keys) {
  std::ranges::copy(keys, sorted_.begin());
  std::ranges::sort(sorted_);
  Frequent best;
  for (std::size_t begin = 0, end; begin < sorted_.size(); begin = end) {
    end = begin + 1;
    while (end < sorted_.size() && sorted_[end] == sorted_[begin]) ++end;
    if (static_cast<int>(end - begin) > best.count) best = {sorted_[begin], static_cast<int>(end - begin)};
  }
  return best;
}

int Places::move_all(const std::function<void(int, int)>& swap) {
  // next[tile]: the places of the tile before it hold environments that belong there.
  auto& next = room_;
  for (int t = 0; t < static_cast<int>(next.size()); ++t) next[t] = t * width_;
  int swaps = 0;
  for (int p = 0; p < static_cast<int>(env_.size()); ++p) {
    for (int target; (target = tile_of_[env_[p]]) != p / width_; ++swaps) {
      int& q = next[target];
      while (tile_of_[env_[q]] == target) ++q;
      swap(p, q);
      std::swap(env_[p], env_[q]);
      place_[env_[p]] = p;
      place_[env_[q]] = q;
    }
  }
  return swaps;
}

}  // namespace baton::sim
