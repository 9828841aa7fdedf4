#pragma once
// Owns one identifier of the HDF5 library, whatever it names; who makes one says what a failure means.
#include <hdf5.h>

#include <utility>

namespace baton::rl::hdf5 {

class Owned {
 public:
  Owned(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Owned(Owned&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Owned() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  // For what was written: the library may have kept the work for the close.
  bool close() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

}  // namespace baton::rl::hdf5
