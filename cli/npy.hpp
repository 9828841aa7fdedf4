#pragma once
// NumPy's .npy files: one array of float64. The reader takes little-endian float64 or float32 in C order, in the
// format's versions 1 to 3, and trusts nothing in the file.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  // row-major
};

// Shape as NumPy writes it: "()", "(3,)", "(4, 5)".
std::string format_shape(std::span<const std::int64_t> shape);

// Throws baton::Error naming the file: not an .npy file, a type, order or shape we do not read, a size that
// disagrees with the header, a value that is not finite.
NpyArray read_npy(const std::string& path);

// The same for a file's bytes; `name` stands for the file in errors.
NpyArray parse_npy(std::string_view bytes, const std::string& name);

// float64, C order. Written to a temporary name beside `path` and renamed.
void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const double> values);

}  // namespace baton::cli
