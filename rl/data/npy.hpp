#pragma once
// NumPy's .npy files: one array. Read are little-endian floats of 32 and 64 bits, integers of 8 to 64 bits and
// booleans, in C order, in the format's versions 1 to 3; nothing in a file is trusted. Written is float64.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rl/data/outside.hpp"

namespace baton::rl {

// What the numbers of an array are, and where they begin.
struct NpyLayout {
  std::vector<std::int64_t> shape;
  std::string type;                    // as the file says it: "<f8"
  std::size_t item = 0;                // bytes of a number
  std::size_t start = 0, numbers = 0;  // bytes before the first number, numbers
};

// A file whose header has been read and found to agree with the file's size.
class NpyFile {
 public:
  // Throws baton::Error naming the file: not an .npy file, a type, order or shape that is not read, a size that
  // disagrees with the header.
  explicit NpyFile(const std::string& path);
  const std::string& path() const { return path_; }
  const std::vector<std::int64_t>& shape() const { return layout_.shape; }
  // All numbers, row-major, as T (float or double). They need not be finite.
  template <class T>
  std::vector<T> read() const;

 private:
  std::string path_;
  OutsideFile file_;
  NpyLayout layout_;
};

struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  // row-major, finite
};

// The whole of a file. Throws as NpyFile does, and for a value that is not finite.
NpyArray read_npy(const std::string& path);

// The same for a file's bytes; `name` stands for the file in errors.
NpyArray parse_npy(std::string_view bytes, const std::string& name);

// Shape as NumPy writes it: "()", "(3,)", "(4, 5)".
std::string format_shape(std::span<const std::int64_t> shape);

// float64, C order. Written to a temporary name beside `path` and renamed.
void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const double> values);

}  // namespace baton::rl
