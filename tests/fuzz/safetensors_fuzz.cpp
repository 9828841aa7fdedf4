// safetensors from memory: what is accepted has as many numbers as its shapes say, and is written and read again alike.
#include <cstring>

#include "rl/policy/safetensors.hpp"
#include "tests/fuzz/target.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run(data, size, [](std::string_view bytes) {
    const rl::TensorFile file = rl::read_safetensors(bytes, "a.safetensors", rl::Digest::kChecked);
    for (const rl::NamedTensor& tensor : file.tensors) {
      std::int64_t count = 1;
      for (const std::int64_t n : tensor.shape) count *= n;
      fuzz::promise(count == static_cast<std::int64_t>(tensor.values.size()));
    }
    const std::string again = rl::write_safetensors(file);
    const rl::TensorFile back = rl::read_safetensors(again, "a.safetensors", rl::Digest::kDemanded);
    fuzz::promise(back.metadata == file.metadata && back.tensors.size() == file.tensors.size());
    for (std::size_t i = 0; i < back.tensors.size(); ++i) {
      const auto &a = file.tensors[i], &b = back.tensors[i];
      fuzz::promise(a.name == b.name && a.shape == b.shape && a.values.size() == b.values.size());
      fuzz::promise(a.values.empty() ||
                    std::memcmp(a.values.data(), b.values.data(), 4 * a.values.size()) == 0);
    }
  });
}
