#include "autograd/flat.hpp"

#include "kernels/error.hpp"

namespace baton::ag {

int FlatLayout::add(const std::string& name, const std::vector<int>& shape) {
  for (const FlatEntry& entry : entries_)
    BATON_REQUIRE(entry.name != name, "flat: '{}' is there already", name);
  long long size = 1;
  for (const int extent : shape) {
    BATON_REQUIRE(extent >= 1, "flat: '{}' has an extent of {}", name, extent);
    size *= extent;
    BATON_REQUIRE(size + size_ <= 0x7FFFFFFF, "flat: with '{}' there are more parameters than an int counts",
                  name);
  }
  entries_.push_back({name, shape, size_, static_cast<int>(size)});
  size_ += static_cast<int>(size);
  return entries_.back().offset;
}

const FlatEntry& FlatLayout::find(const std::string& name) const {
  std::string known;
  for (const FlatEntry& entry : entries_) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  fail("flat: no parameter '{}', known are {}", name, known);
}

std::string FlatLayout::name_of(int index) const {
  for (const FlatEntry& entry : entries_) {
    int rest = index - entry.offset;
    if (rest < 0 || rest >= entry.size) continue;
    int stride = entry.size;
    std::string text = entry.name;
    for (const int extent : entry.shape) {
      stride /= extent;
      text += fmt::format("[{}]", rest / stride);
      rest %= stride;
    }
    return text;
  }
  return fmt::format("parameter {}", index);
}

void FlatLayout::check_size(std::size_t size) const {
  BATON_REQUIRE(size == static_cast<std::size_t>(size_), "flat: the vector has {} elements, the layout {}",
                size, size_);
}

}  // namespace baton::ag
