#pragma once
// Tensors of float32 in the safetensors format (https://github.com/huggingface/safetensors), which holds no code:
//   u64 little-endian N; N bytes of JSON; the tensors' bytes, little-endian, row-major, without gaps
//   JSON: {"__metadata__": {text: text, ...},
//          name: {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}, ...}
// Files of baton also tell damage: metadata "sha256" is the SHA-256 of the whole file with these 64 digits as zeros.
// The Python package `safetensors` reads what is written here; what it writes is read where no digest is demanded.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::rl {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // empty: one number
  std::vector<float> values;        // row-major; as many as the shape says
};

struct TensorFile {
  std::vector<NamedTensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;  // without "sha256"

  // The tensor or the text of that name. Throws with `where` in front when there is none.
  const NamedTensor& tensor(const std::string& name, const std::string& where) const;
  const std::string& text(const std::string& key, const std::string& where) const;
};

// The bytes of a file: tensors and metadata in the order given, the digest added. The same content gives the same
// bytes. Throws where names repeat or sizes disagree.
std::string write_safetensors(const TensorFile& content);

enum class Digest { kDemanded, kChecked };  // kChecked: a file without one is read, too

// Reads a file's bytes, trusting nothing: at most 16 MiB of JSON, nested as the format is, no name twice, F32 alone,
// offsets in order without gaps up to the file's end, the digest right. `name`: the file's, for messages. Throws.
TensorFile read_safetensors(std::string_view bytes, const std::string& name, Digest digest);

}  // namespace baton::rl
