#include "envs/sim/cuda/image.hpp"

#include <array>

namespace baton::sim::cuda {

std::size_t ImageWriter::place_of(const void* array) const {
  const auto address = reinterpret_cast<std::uintptr_t>(array);
  for (const Block& block : written_) {
    if (address < block.address) continue;
    const std::size_t at = (address - block.address) / sizeof(std::uint64_t);
    if (at + 3 <= block.words) return block.at + at;
  }
  fail("cuda: an array that is in no object of the image");
}

void ImageWriter::append(const void* array, const void* begin, const void* end, std::size_t size_of_array) {
  std::array<const void*, 3> addresses{};
  BATON_REQUIRE(size_of_array == sizeof(addresses), "cuda: an array of {} bytes, {} are wanted",
                size_of_array, sizeof(addresses));
  const std::size_t at = place_of(array);
  std::memcpy(addresses.data(), array, sizeof(addresses));
  BATON_REQUIRE(addresses[0] == begin && addresses[1] == end,
                "cuda: the standard library's vector is not what image.hpp takes it for");
  constexpr std::size_t kAlignment = 2;  // words: what a device loads at once
  while (image_.words.size() % kAlignment != 0) image_.words.push_back(0);
  const auto bytes =
      static_cast<std::size_t>(static_cast<const char*>(end) - static_cast<const char*>(begin));
  const std::uint64_t first = base_ + image_.words.size() * sizeof(std::uint64_t);
  image_.words[at] = first;
  image_.words[at + 1] = image_.words[at + 2] = first + bytes;
  const std::size_t start = image_.words.size();
  image_.words.resize(start + (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  if (bytes > 0) std::memcpy(image_.words.data() + start, begin, bytes);
  written_.push_back({reinterpret_cast<std::uintptr_t>(begin), bytes / sizeof(std::uint64_t), start});
  image_.inside.resize(image_.words.size(), 0);
  for (std::size_t k = 0; k < 3; ++k) image_.inside[at + k] = 1;
}

}  // namespace baton::sim::cuda
