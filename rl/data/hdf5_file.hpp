#pragma once
// Writing of HDF5 files: arrays, strings and attributes, with RAII (hdf5_reader.hpp reads). HDF5's own error printing
// is off; every failure throws baton::Error naming the file and the object. Paths inside a file are like "infos/qpos";
// attributes belong to a group ("/" is the root).
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/error.hpp"
#include "rl/run/digest.hpp"

namespace baton::rl {

namespace hdf5 {
struct Sink;
}

class Hdf5File {
 public:
  static constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 32;

  // Under a temporary name beside path; commit() gives it its own, whole or not at all (rl/run/files.hpp). Every call
  // throws what writing failed at.
  static Hdf5File create(const std::string& path);

  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&&) = delete;
  ~Hdf5File();
  void commit();  // writes the arrays' digests (hdf5_digest.hpp) before

  const std::string& path() const { return path_; }

  // Intermediate groups are made. gzip: level 4 with byte shuffling, in chunks.
  template <class T>
  void write(const std::string& name, std::span<const T> values, const std::vector<std::uint64_t>& shape,
             bool gzip = false);
  // Rows of `width` numbers (0: plain numbers) behind those that an array holds already; the first call makes it, gzip
  // as above. What was appended is not kept in memory.
  template <class T>
  void append(const std::string& name, std::span<const T> values, std::uint64_t width);
  void write_strings(const std::string& name, const std::vector<std::string>& values);
  void make_group(const std::string& name);

  // Attributes: one string, or a flat array of numbers.
  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, std::span<const double> values);

 private:
  Hdf5File(std::int64_t file, std::string path, std::unique_ptr<hdf5::Sink> sink);
  void check() const;  // throws what has failed
  template <class Dataset>
  void finish(Dataset& dataset, bool written, const std::string& name) const;
  void digest(const std::string& key, std::span<const std::byte> bytes);
  std::unique_ptr<hdf5::Sink> sink_;
  std::map<std::string, Sha256> digests_;  // by digest_key()
  std::int64_t file_ = -1;
  std::string path_;
};

}  // namespace baton::rl
