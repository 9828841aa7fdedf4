#pragma once
// The one place that speaks HDF5's C API: open, list, read and write arrays, strings and attributes with RAII. HDF5's
// own error printing is off; every failure throws baton::Error naming the file and the object. Sizes are limited
// (kMaxElements) before anything is allocated. Paths inside a file are like "infos/qpos"; attributes belong to
// a group ("/" is the root).
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/error.hpp"

namespace baton::rl {

class Hdf5File {
 public:
  static constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 32;

  // Opens for reading. Says whether the file is missing, not HDF5 or truncated.
  static Hdf5File open(const std::string& path);
  // In memory; commit() writes it to path, whole or not at all (rl/run/files.hpp).
  static Hdf5File create(const std::string& path);

  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&&) = delete;
  ~Hdf5File();
  void commit();

  const std::string& path() const { return path_; }

  bool has(const std::string& name) const;  // dataset or group
  bool is_dataset(const std::string& name) const;
  std::vector<std::string> children(const std::string& group) const;  // names, sorted
  std::vector<std::uint64_t> shape(const std::string& name) const;    // throws when it is not a dataset

  // Whole dataset, converted to T (double, float, int64, uint64, uint8). `shape_out` gets its shape when not null.
  template <class T>
  std::vector<T> read(const std::string& name, std::vector<std::uint64_t>* shape_out = nullptr) const;
  std::vector<std::string> read_strings(const std::string& name) const;

  // Intermediate groups are made. gzip: level 4 with byte shuffling, in chunks.
  template <class T>
  void write(const std::string& name, std::span<const T> values, const std::vector<std::uint64_t>& shape,
             bool gzip = false);
  void write_strings(const std::string& name, const std::vector<std::string>& values);
  void make_group(const std::string& name);

  // Attributes: one string, or a flat array of numbers.
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::string string_attribute(const std::string& object, const std::string& name) const;
  std::vector<double> number_attribute(const std::string& object, const std::string& name) const;
  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, std::span<const double> values);

 private:
  Hdf5File(std::int64_t file, std::string path, std::string target);
  std::int64_t file_ = -1;
  std::string path_, target_;  // target_: where commit() writes; empty when reading
};

}  // namespace baton::rl
