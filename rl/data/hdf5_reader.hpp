#pragma once
// HDF5 files from anyone. The library works in a child process (rl/data/confined.hpp): whatever a file does to it, the
// answer here is one baton::Error that names the file and the object. Read are arrays of numbers, h5py's booleans and
// strings that lie in the file itself, whole, as they are or filtered by deflate, shuffle or fletcher32. Refused by
// name, before any of their data are read: links other than hard ones, external storage, virtual arrays, other filters
// (no plug-in is ever loaded), one array under two names, arrays that were not written in full, and sizes beyond what
// the stored bytes can give (deflate: 1032 : 1). All that one reader reads together is bounded by 256 MiB + 32 times
// the file's size. Paths inside a file are like "infos/qpos"; attributes belong to a group ("/" is the root).
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rl/data/confined.hpp"
#include "rl/data/hdf5_request.hpp"

namespace baton::rl {

class Hdf5Reader {
 public:
  // Says whether the file is missing, no regular file, not HDF5 or damaged. Where the file names digests
  // (hdf5_digest.hpp), every array that they name must be there and is compared when it is read.
  explicit Hdf5Reader(const std::string& path);

  const std::string& path() const { return path_; }

  bool has(const std::string& name) const;  // array or group
  bool is_array(const std::string& name) const;
  std::vector<std::string> children(const std::string& group) const;  // names, sorted

  // What an array holds. Throws when there is none or when it is not one that is read.
  struct Array {
    hdf5::Kind kind;
    std::vector<std::uint64_t> shape;
    std::uint64_t count() const;  // of numbers or strings
  };
  Array array(const std::string& name) const;

  // Whole array, converted to T. double and float: from floats (16, 32 or 64 bits) and integers; std::int64_t and
  // std::uint64_t: from integers.
  template <class T>
  std::vector<T> read(const std::string& name) const;
  // Numbers or booleans, each of which is 0 or 1.
  std::vector<std::uint8_t> read_flags(const std::string& name) const;
  std::vector<std::string> read_strings(const std::string& name) const;

  // Attributes: one string, or a flat array of numbers.
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string string_attribute(const std::string& object, const std::string& name) const;
  std::vector<double> number_attribute(const std::string& object, const std::string& name) const;

 private:
  void read_digests();
  void compare(const std::string& key, const std::string& name, std::span<const std::byte> bytes) const;
  void spend(const std::string& name, std::uint64_t bytes) const;
  template <class T>
  std::vector<T> fetch(hdf5::Op op, const std::string& name) const;

  std::string path_;
  OutsideFile file_;
  std::unique_ptr<Confined> child_;
  std::map<std::string, std::string> digests_;  // by digest_key()
  mutable std::uint64_t spent_ = 0;             // bytes read so far
};

}  // namespace baton::rl
