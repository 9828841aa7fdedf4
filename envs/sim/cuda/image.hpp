#pragma once
// An object as it lies in a GPU's memory: its bytes, then those of its arrays, with the arrays' addresses put right.
//
// The step's text (step.hpp) reads std::vector, whose accessors nvcc compiles for a device as constexpr functions, so
// that Data<float> and Model<float> can be used there as they are; nothing on the device makes, grows or frees one.
// A std::vector is three addresses (begin, end, end of room) in the standard library that GCC brings; append() checks
// that of every array, and throws where it does not hold.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "kernels/error.hpp"

namespace baton::sim::cuda {

struct Image {
  std::vector<std::uint64_t> words;  // the object, then arrays
  std::vector<std::uint8_t> inside;  // [words] 1: an address within the image; it moves with the image
};

class ImageWriter {
 public:
  // words: the object's own bytes, as they are or with some arrays' addresses put right already. base: where the image
  // will lie. The object must stay as it is until take().
  template <class Object>
  ImageWriter(const Object& object, std::span<const std::uint64_t> words, std::uint64_t base)
      : written_{{reinterpret_cast<std::uintptr_t>(&object), words.size(), 0}}, base_(base) {
    image_.words.assign(words.begin(), words.end());
    image_.inside.assign(words.size(), 0);
  }

  // An array that is a member of the object, or of an element of an array that was appended: its elements follow in the
  // image.
  template <class V>
  void append(const std::vector<V>& array) {
    append(&array, array.data(), array.data() + array.size(), sizeof(array));
  }

  Image take() && { return std::move(image_); }

 private:
  // Words at `address` that lie in the image from word `at` on.
  struct Block {
    std::uintptr_t address;
    std::size_t words, at;
  };

  void append(const void* array, const void* begin, const void* end, std::size_t size_of_array);
  // Where in the image the array itself lies: three words.
  std::size_t place_of(const void* array) const;

  std::vector<Block> written_;  // the object, then arrays
  std::uint64_t base_;
  Image image_;
};

// The object's bytes as words.
template <class Object>
std::vector<std::uint64_t> words_of(const Object& object) {
  static_assert(sizeof(Object) % sizeof(std::uint64_t) == 0);
  std::vector<std::uint64_t> words(sizeof(Object) / sizeof(std::uint64_t));
  std::memcpy(words.data(), static_cast<const void*>(&object), sizeof(Object));
  return words;
}

}  // namespace baton::sim::cuda
