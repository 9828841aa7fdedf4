#pragma once
// What the child of Hdf5Reader looks at before it reads: links, types, filters, and whether an array's storage can hold
// what its shape says. Messages do not name the file; the parent does. Every failure throws baton::Error.
#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "rl/data/hdf5_handle.hpp"
#include "rl/data/hdf5_request.hpp"

namespace baton::rl::hdf5 {

// Throws "NAME: damaged or truncated (why the library refuses)", or says that the form is newer than the library.
[[noreturn]] void refuse_damaged(const std::string& name);

// `name` is the object that a failure to open it is told of.
class Handle : public Owned {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& name) : Owned(id, close) {
    if (id < 0) refuse_damaged(name);
  }
};

// The object of that path, nothing where there is none. Only hard links are followed; another kind is refused.
std::optional<Handle> find_object(hid_t file, const std::string& name);

// A dataset that may be read.
struct Array {
  Handle dataset, type, space;
  Shape shape;
  std::uint64_t count = 1, item_bytes = 0;  // numbers; bytes of each as stored
  std::uint64_t stored = 0;                 // bytes in the file
  std::uint64_t address = 0;                // of the object in the file
  // Chunked arrays: rows (of the first dimension) and bytes of a chunk; 0 for others.
  std::uint64_t chunk_rows = 0, chunk_bytes = 0;
};
Array open_array(hid_t file, const std::string& name);

}  // namespace baton::rl::hdf5
