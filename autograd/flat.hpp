#pragma once
// Named, shaped views inside one flat parameter vector, and the name of any index in it, which Optimizer takes for its
// messages. For parameters of a user's own: the library's networks lay theirs out by autograd/mlp.hpp.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace baton::ag {

struct FlatEntry {
  std::string name;
  std::vector<int> shape;
  int offset = 0;
  int size = 0;
};

class FlatLayout {
 public:
  // Appends an array; returns its offset. Throws Error on a repeated name, a non-positive extent or too large
  // a sum.
  int add(const std::string& name, const std::vector<int>& shape);
  int size() const { return size_; }
  const std::vector<FlatEntry>& entries() const { return entries_; }
  // Throws Error that lists the known names.
  const FlatEntry& find(const std::string& name) const;
  // "w1[3][17]" for a flat index.
  std::string name_of(int index) const;

  // The part of `flat` that belongs to `name`; flat must have size() elements.
  template <class T>
  std::span<T> view(std::span<T> flat, const std::string& name) const {
    check_size(flat.size());
    const FlatEntry& entry = find(name);
    return flat.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.size));
  }

 private:
  void check_size(std::size_t size) const;
  std::vector<FlatEntry> entries_;
  int size_ = 0;
};

}  // namespace baton::ag
