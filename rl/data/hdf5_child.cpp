#include "rl/data/hdf5_child.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "kernels/error.hpp"
#include "rl/data/hdf5_array.hpp"
#include "rl/data/hdf5_lzf.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

using namespace hdf5;

constexpr std::uint64_t kPartBytes = 1 << 20, kMostPartBytes = std::uint64_t{1} << 29;

class Server {
 public:
  Server(ConfinedChild& child, std::uint64_t file_bytes) : child_(child), file_bytes_(file_bytes) {}
  void serve(Op op, const std::string& name, const std::string& attribute);

 private:
  void open();
  void children(const std::string& name);
  void shape(const std::string& name);
  template <class T>
  void numbers(const std::string& name, hid_t memory_type, bool fractions);
  void flags(const std::string& name);
  void strings(const std::string& name);
  Handle object(const std::string& name) const;
  bool has_attribute(const std::string& name, const std::string& attribute) const;
  Handle open_attribute(const std::string& name, const std::string& attribute) const;
  void text_attribute(const std::string& name, const std::string& attribute);
  void number_attribute(const std::string& name, const std::string& attribute);
  template <class T, class Use>
  void in_parts(const Array& array, const std::string& name, hid_t memory_type, Use&& use);

  ConfinedChild& child_;
  std::uint64_t file_bytes_;
  hid_t file_ = -1;
  std::uint64_t stored_ = 0;                             // bytes of all arrays looked at
  std::unordered_map<std::uint64_t, std::string> seen_;  // their addresses and names
};

void Server::open() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  for (unsigned paths = 0; H5PLsize(&paths) >= 0 && paths > 0;) {
    if (H5PLremove(0) < 0) break;
  }
  register_lzf();
  const std::string name = fmt::format("/proc/self/fd/{}", child_.file());
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "the file");
  // Where a file system has no locks, reading goes on without.
  H5Pset_file_locking(access, true, true);
  BATON_REQUIRE(H5Fis_hdf5(name.c_str()) > 0, "not an HDF5 file");
  file_ = H5Fopen(name.c_str(), H5F_ACC_RDONLY, access);
  if (file_ < 0) refuse_damaged(fmt::format("HDF5 file of {} bytes", file_bytes_));
  child_.seal();
  child_.answer(nullptr, 0);
}

Handle Server::object(const std::string& name) const {
  std::optional<Handle> found = find_object(file_, name);
  BATON_REQUIRE(found.has_value(), "no group {}", printable(name));
  return std::move(*found);
}

void Server::children(const std::string& name) {
  struct Names {
    std::uint64_t count = 0;
    std::string text;
  } names;
  const Handle group = object(name);
  BATON_REQUIRE(H5Iget_type(group) == H5I_GROUP, "{} is an array, a group is expected", printable(name));
  const auto collect = [](hid_t, const char* child, const H5L_info_t*, void* out) -> herr_t {
    Names& all = *static_cast<Names*>(out);
    all.text += child;
    all.text += '\0';
    return ++all.count > kMostChildren || all.text.size() > kMostChildBytes ? 1 : 0;
  };
  child_.grant(8 * kMostChildBytes, file_bytes_);
  const herr_t status = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
  if (status < 0) refuse_damaged(printable(name));
  BATON_REQUIRE(status == 0, "{}: more than {} entries, or names of more than {} bytes", printable(name),
                kMostChildren, kMostChildBytes);
  child_.answer(names.text.data(), names.text.size());
}

void Server::shape(const std::string& name) {
  const Array array = open_array(file_, name);
  const auto [known, is_new] = seen_.emplace(array.address, name);
  BATON_REQUIRE(known->second == name, "{} and {} are one array under two names", printable(known->second),
                printable(name));
  if (is_new) stored_ += array.stored;
  BATON_REQUIRE(stored_ <= file_bytes_, "{}: arrays of {} stored bytes in a file of {}: damaged or truncated",
                printable(name), stored_, file_bytes_);
  child_.answer(&array.shape, sizeof(array.shape));
}

// Reads rows of the first dimension, some chunks at a time, so that no chunk is taken apart twice and memory stays
// small. use(values) sees them in order.
template <class T, class Use>
void Server::in_parts(const Array& array, const std::string& name, hid_t memory_type, Use&& use) {
  if (array.count == 0) return;
  const std::size_t rank = array.shape.rank;
  const std::uint64_t rows = rank > 0 ? array.shape.extents[0] : 1, row = array.count / rows;
  const std::uint64_t item = std::max<std::uint64_t>(sizeof(T), array.item_bytes);
  std::uint64_t step = std::max<std::uint64_t>(1, kPartBytes / (row * item));
  if (array.chunk_rows > 0) step = (step + array.chunk_rows - 1) / array.chunk_rows * array.chunk_rows;
  step = std::min(step, rows);
  BATON_REQUIRE(step <= kMostPartBytes / (row * item),
                "{}: chunks of {} rows, {} numbers each; fewer rows are read: h5repack -l CHUNK=... IN OUT",
                printable(name), array.chunk_rows, row);
  child_.grant(4 * (array.chunk_bytes + step * row * item), file_bytes_ + array.count * item);
  std::vector<T> values(step * row);
  std::array<hsize_t, kMostDimensions> start = {}, size = {};
  std::copy_n(array.shape.extents, kMostDimensions, size.begin());
  for (std::uint64_t first = 0; first < rows; first += step) {
    start[0] = first;
    size[0] = std::min(step, rows - first);
    if (rank > 0)
      H5Sselect_hyperslab(array.space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
    // Of the file's rank: between spaces of different ranks the library goes from number to number.
    const Handle memory(H5Screate_simple(static_cast<int>(rank), size.data(), nullptr), H5Sclose, name);
    if (H5Dread(array.dataset, memory_type, memory, array.space, H5P_DEFAULT, values.data()) < 0)
      refuse_damaged(printable(name));
    use(std::span<const T>(values.data(), rank > 0 ? size[0] * row : 1));
  }
}

template <class T>
void Server::numbers(const std::string& name, hid_t memory_type, bool fractions) {
  const Array array = open_array(file_, name);
  BATON_REQUIRE(array.shape.kind == Kind::kInteger || (fractions && array.shape.kind == Kind::kFloat),
                "{}: not an array of {}", printable(name), fractions ? "numbers" : "integers");
  in_parts<T>(array, name, memory_type,
              [&](std::span<const T> values) { child_.answer(values.data(), values.size_bytes()); });
}

void Server::flags(const std::string& name) {
  const Array array = open_array(file_, name);
  std::uint64_t done = 0;
  const auto send = [&](const auto& values) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(values.size());
    for (const auto value : values) {
      BATON_REQUIRE(value == 0 || value == 1, "{}[{}] is {}, 0 or 1 is expected", printable(name),
                    done + bytes.size(), value);
      bytes.push_back(value == 1);
    }
    done += bytes.size();
    child_.answer(bytes.data(), bytes.size());
  };
  if (array.shape.kind == Kind::kFlag) return in_parts<std::uint8_t>(array, name, array.type, send);
  BATON_REQUIRE(array.shape.kind != Kind::kText, "{}: not an array of numbers", printable(name));
  in_parts<double>(array, name, H5T_NATIVE_DOUBLE, send);
}

void Server::strings(const std::string& name) {
  const Array array = open_array(file_, name);
  BATON_REQUIRE(array.shape.kind == Kind::kText, "{}: not an array of strings", printable(name));
  std::string all;
  const auto add = [&](const char* text, std::size_t size) {
    const auto length = static_cast<std::uint32_t>(size);
    BATON_REQUIRE(all.size() + size + sizeof(length) <= kMostTextBytes, "{}: more than {} bytes of text",
                  printable(name), kMostTextBytes);
    all.append(reinterpret_cast<const char*>(&length), sizeof(length));
    all.append(text, size);
  };
  BATON_REQUIRE(array.count <= kMostTextBytes / array.item_bytes, "{}: {} strings of {} bytes",
                printable(name), array.count, array.item_bytes);
  child_.grant(4 * kMostTextBytes + 4 * array.chunk_bytes, file_bytes_);
  std::vector<char> bytes(array.count * array.item_bytes);
  if (array.count > 0 && H5Dread(array.dataset, array.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0)
    refuse_damaged(printable(name));
  const bool variable = H5Tis_variable_str(array.type) > 0;
  for (std::uint64_t i = 0; i < array.count; ++i) {
    const char* text = bytes.data() + i * array.item_bytes;
    if (!variable) {
      add(text, strnlen(text, array.item_bytes));
      continue;
    }
    const char* pointer = nullptr;
    std::memcpy(&pointer, text, sizeof(pointer));
    add(pointer != nullptr ? pointer : "", pointer != nullptr ? std::strlen(pointer) : 0);
    std::free(const_cast<char*>(pointer));
  }
  child_.answer(all.data(), all.size());
}

bool Server::has_attribute(const std::string& name, const std::string& attribute) const {
  const std::optional<Handle> found = find_object(file_, name);
  return found.has_value() && H5Aexists(*found, attribute.c_str()) > 0;
}

Handle Server::open_attribute(const std::string& name, const std::string& attribute) const {
  BATON_REQUIRE(has_attribute(name, attribute), "no attribute {} of {}", attribute, name);
  return {H5Aopen(object(name), attribute.c_str(), H5P_DEFAULT), H5Aclose, "attribute " + attribute};
}

void Server::text_attribute(const std::string& name, const std::string& attribute) {
  const Handle opened = open_attribute(name, attribute);
  const Handle type(H5Aget_type(opened), H5Tclose, attribute),
      space(H5Aget_space(opened), H5Sclose, attribute);
  const std::size_t size = H5Tget_size(type);
  BATON_REQUIRE(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1 && size > 0 &&
                    size <= kMostTextBytes,
                "attribute {} of {} is not one string", attribute, name);
  child_.grant(2 * kMostTextBytes, file_bytes_);
  std::vector<char> bytes(size);
  if (H5Aread(opened, type, bytes.data()) < 0) refuse_damaged("attribute " + attribute);
  const char* text = bytes.data();
  std::size_t length = strnlen(text, size);
  if (H5Tis_variable_str(type) > 0) {
    std::memcpy(&text, bytes.data(), sizeof(text));
    length = text != nullptr ? std::strlen(text) : 0;
  }
  BATON_REQUIRE(length <= kMostTextBytes, "attribute {} of {}: {} bytes", attribute, name, length);
  child_.answer(text, length);
}

void Server::number_attribute(const std::string& name, const std::string& attribute) {
  const Handle opened = open_attribute(name, attribute);
  const Handle type(H5Aget_type(opened), H5Tclose, attribute),
      space(H5Aget_space(opened), H5Sclose, attribute);
  const H5T_class_t kind = H5Tget_class(type);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  BATON_REQUIRE((kind == H5T_FLOAT || kind == H5T_INTEGER) && count >= 0 &&
                    count <= static_cast<hssize_t>(kMostAttributeNumbers),
                "attribute {} of {} is not a list of at most {} numbers", attribute, name,
                kMostAttributeNumbers);
  std::vector<double> values(static_cast<std::size_t>(count));
  if (count > 0 && H5Aread(opened, H5T_NATIVE_DOUBLE, values.data()) < 0)
    refuse_damaged("attribute " + attribute);
  child_.answer(values.data(), values.size() * sizeof(double));
}

void Server::serve(Op op, const std::string& name, const std::string& attribute) {
  const auto byte = [&](auto value) {
    const auto small = static_cast<std::uint8_t>(value);
    child_.answer(&small, 1);
  };
  child_.grant(0, file_bytes_);
  switch (op) {
    case Op::kOpen:
      return open();
    case Op::kFind: {
      const std::optional<Handle> found = find_object(file_, name);
      return byte(!found.has_value()                   ? Found::kNothing
                  : H5Iget_type(*found) == H5I_DATASET ? Found::kArray
                                                       : Found::kGroup);
    }
    case Op::kChildren:
      return children(name);
    case Op::kShape:
      return shape(name);
    case Op::kFloat:
      return numbers<float>(name, H5T_NATIVE_FLOAT, true);
    case Op::kDouble:
      return numbers<double>(name, H5T_NATIVE_DOUBLE, true);
    case Op::kInt64:
      return numbers<std::int64_t>(name, H5T_NATIVE_INT64, false);
    case Op::kUint64:
      return numbers<std::uint64_t>(name, H5T_NATIVE_UINT64, false);
    case Op::kFlags:
      return flags(name);
    case Op::kStrings:
      return strings(name);
    case Op::kHasAttribute:
      return byte(has_attribute(name, attribute));
    case Op::kTextAttribute:
      return text_attribute(name, attribute);
    case Op::kNumberAttribute:
      return number_attribute(name, attribute);
  }
  fail("no such request");
}

}  // namespace

void serve_hdf5(ConfinedChild& child, std::uint64_t file_bytes) {
  Server server(child, file_bytes);
  while (true) {
    const std::string request = child.request();
    const std::size_t middle = std::min(request.find('\0', 1), request.size());
    try {
      BATON_REQUIRE(!request.empty(), "an empty request");
      server.serve(static_cast<Op>(request[0]), request.substr(1, middle - 1),
                   request.substr(std::min(middle + 1, request.size())));
    } catch (const std::exception& error) {
      child.refuse(error);
    }
  }
}

}  // namespace baton::rl
