#pragma once
// What reading (hdf5_file.cpp) and writing (hdf5_write.cpp) of HDF5 share; nothing else includes it.
#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/error.hpp"
#include "rl/data/hdf5_file.hpp"

namespace baton::rl::hdf5 {

// Owns one HDF5 identifier; `what` opens the message when the library refuses.
class Handle {
 public:
  template <class... Args>
  Handle(hid_t id, herr_t (*close)(hid_t), fmt::format_string<Args...> what, Args&&... args)
      : id_(id), close_(close) {
    if (id_ < 0) fail(what, std::forward<Args>(args)...);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  // For what was written: the library may have kept the work for the close.
  bool close() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// Before anything else: no printing, and no work of the library when the process ends.
inline void silence() {
  static const herr_t once = (H5dont_atexit(), H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr));
  (void)once;
}

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_NATIVE_UINT64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
}

inline Handle string_type(const std::string& path) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "{}: cannot make a string type", path);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

// Throws where there are more numbers than kMaxElements.
inline std::uint64_t element_count(const std::vector<std::uint64_t>& shape, const std::string& path,
                                   const std::string& name) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    BATON_REQUIRE(extent <= Hdf5File::kMaxElements && count * extent <= Hdf5File::kMaxElements,
                  "{}: {}: too large, more than {} numbers", path, name, Hdf5File::kMaxElements);
    count *= extent;
  }
  return count;
}

}  // namespace baton::rl::hdf5
