#include "rl/data/hdf5_file.hpp"

#include <algorithm>

#include "rl/data/hdf5_digest.hpp"
#include "rl/data/hdf5_driver.hpp"
#include "rl/data/hdf5_handle.hpp"
#include "rl/run/files.hpp"

namespace baton::rl {

namespace {

// `what` is the message where the library refuses.
class Handle : public hdf5::Owned {
 public:
  template <class... Args>
  Handle(hid_t id, herr_t (*close)(hid_t), fmt::format_string<Args...> what, Args&&... args)
      : Owned(id, close) {
    if (id < 0) fail(what, std::forward<Args>(args)...);
  }
};

// Before anything else: no printing, and no work of the library when the process ends.
void silence() {
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

Handle string_type(const std::string& path) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "{}: cannot make a string type", path);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

// Throws where there are more numbers than kMaxElements.
std::uint64_t element_count(const std::vector<std::uint64_t>& shape, const std::string& path,
                            const std::string& name) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    BATON_REQUIRE(extent <= Hdf5File::kMaxElements && count * extent <= Hdf5File::kMaxElements,
                  "{}: {}: too large, more than {} numbers", path, name, Hdf5File::kMaxElements);
    count *= extent;
  }
  return count;
}

// An array in the making: groups on the way to it are made, too; the same data gives the same bytes.
class Creation {
 public:
  Creation(const std::string& path, const std::string& name)
      : path_(path),
        name_(name),
        links_(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "{}: {}: cannot be made", path, name),
        options_(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "{}: {}: cannot be made", path, name) {
    BATON_REQUIRE(
        H5Pset_create_intermediate_group(links_, 1) >= 0 && H5Pset_obj_track_times(options_, false) >= 0,
        "{}: {}: cannot be made", path, name);
  }

  // gzip, level 4 with byte shuffling, in chunks of whole rows: some 65,536 numbers, `most` rows at the most.
  void pack(std::vector<hsize_t> chunk, hsize_t most) {
    hsize_t row = 1;
    for (std::size_t i = 1; i < chunk.size(); ++i) row *= chunk[i];
    chunk[0] = std::clamp<hsize_t>(65536 / std::max<hsize_t>(row, 1), 1, most);
    const bool set = H5Pset_chunk(options_, static_cast<int>(chunk.size()), chunk.data()) >= 0 &&
                     H5Pset_shuffle(options_) >= 0 && H5Pset_deflate(options_, 4) >= 0;
    BATON_REQUIRE(set, "{}: {}: cannot be packed", path_, name_);
  }

  Handle make(hid_t file, hid_t type, hid_t space) const {
    return Handle(H5Dcreate2(file, name_.c_str(), type, space, links_, options_, H5P_DEFAULT), H5Dclose,
                  "{}: {}: cannot be made", path_, name_);
  }

 private:
  const std::string &path_, &name_;
  Handle links_, options_;
};

}  // namespace

Hdf5File::Hdf5File(std::int64_t file, std::string path, std::unique_ptr<hdf5::Sink> sink)
    : sink_(std::move(sink)), file_(file), path_(std::move(path)) {}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : sink_(std::move(other.sink_)),
      digests_(std::move(other.digests_)),
      file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)) {}

Hdf5File::~Hdf5File() {
  if (file_ >= 0) H5Fclose(file_);
}

Hdf5File Hdf5File::create(const std::string& path) {
  silence();
  BATON_REQUIRE(!is_stream(path), "{}: a pipe or a device; HDF5 can only be written to a file", path);
  auto sink = std::make_unique<hdf5::Sink>(path);
  const Handle access(hdf5::make_access(*sink), H5Pclose, "{}: cannot be made", path);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  Hdf5File made(file, path, std::move(sink));
  made.check();
  BATON_REQUIRE(file >= 0, "{}: cannot be made", path);
  return made;
}

void Hdf5File::check() const {
  if (!sink_->failure.empty()) fail("{}", sink_->failure);
}

void Hdf5File::commit() {
  BATON_REQUIRE(file_ >= 0, "{}: commit on a file that is not being written", path_);
  std::string lines;
  for (auto& [key, digest] : digests_) lines += fmt::format("{} {}\n", digest.hex(), key);
  digests_.clear();
  if (!lines.empty()) set_attribute("/", hdf5::kDigestAttribute, lines);
  const bool whole = H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0 && H5Fclose(std::exchange(file_, -1)) >= 0;
  check();
  BATON_REQUIRE(whole, "{}: cannot be finished", path_);
  sink_->file.commit();
}

void Hdf5File::digest(const std::string& key, std::span<const std::byte> bytes) { digests_[key].add(bytes); }

// Closes what was made or opened for writing. `written`: the library took all of it. What it kept for the close counts,
// and what the driver kept to itself.
template <class Dataset>
void Hdf5File::finish(Dataset& dataset, bool written, const std::string& name) const {
  const bool closed = dataset.close();
  check();
  BATON_REQUIRE(written && closed, "{}: {}: cannot be written", path_, name);
}

template <class T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<std::uint64_t>& shape, bool gzip) {
  BATON_REQUIRE(element_count(shape, path_, name) == values.size(), "{}: {}: {} numbers for a shape of {}",
                path_, name, values.size(), element_count(shape, path_, name));
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose,
                     "{}: {}: bad shape", path_, name);
  Creation creation(path_, name);
  if (gzip && !values.empty()) creation.pack(dims, dims[0]);
  Handle dataset = creation.make(file_, native_type<T>(), space);
  const bool written = values.empty() ||
                       H5Dwrite(dataset, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0;
  finish(dataset, written, name);
  digest(hdf5::digest_key<T>(name), std::as_bytes(values));
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
  const hsize_t count = values.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "{}: {}: bad shape", path_, name);
  const Handle type = string_type(path_);
  Handle dataset = Creation(path_, name).make(file_, type, space);
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  const bool written =
      values.empty() || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0;
  finish(dataset, written, name);
  for (const std::string& value : values)
    digest(hdf5::text_digest_key(name), std::as_bytes(std::span(value.c_str(), value.size() + 1)));
}

template <class T>
void Hdf5File::append(const std::string& name, std::span<const T> values, std::uint64_t width) {
  const std::uint64_t row = std::max<std::uint64_t>(width, 1);
  BATON_REQUIRE(values.size() % row == 0, "{}: {}: {} numbers are not rows of {}", path_, name, values.size(),
                row);
  const int rank = width > 0 ? 2 : 1;
  const std::size_t slash = name.rfind('/');
  const bool there =
      (slash == std::string::npos || H5Lexists(file_, name.substr(0, slash).c_str(), H5P_DEFAULT) > 0) &&
      H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0;
  if (!there) {
    const hsize_t none[2] = {0, width}, most[2] = {H5S_UNLIMITED, width};
    const Handle space(H5Screate_simple(rank, none, most), H5Sclose, "{}: {}: bad shape", path_, name);
    Creation creation(path_, name);
    creation.pack({none, none + rank}, H5S_UNLIMITED);
    creation.make(file_, native_type<T>(), space);
  }
  Handle dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "{}: {}: cannot be opened", path_,
                 name);
  hsize_t held[2] = {0, 0};
  H5Sget_simple_extent_dims(Handle(H5Dget_space(dataset), H5Sclose, "{}: {}: cannot be opened", path_, name),
                            held, nullptr);
  const hsize_t first[2] = {held[0], 0}, count[2] = {values.size() / row, width},
                grown[2] = {held[0] + count[0], width};
  element_count({grown[0], row}, path_, name);
  bool written = H5Dset_extent(dataset, grown) >= 0;
  const Handle target(H5Dget_space(dataset), H5Sclose, "{}: {}: cannot be opened", path_, name);
  const Handle source(H5Screate_simple(rank, count, nullptr), H5Sclose, "{}: {}: bad shape", path_, name);
  written = written && H5Sselect_hyperslab(target, H5S_SELECT_SET, first, nullptr, count, nullptr) >= 0 &&
            H5Dwrite(dataset, native_type<T>(), source, target, H5P_DEFAULT, values.data()) >= 0;
  finish(dataset, written, name);
  digest(hdf5::digest_key<T>(name), std::as_bytes(values));
}

void Hdf5File::make_group(const std::string& name) {
  const Handle options(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "{}: {}: cannot be made", path_, name);
  H5Pset_obj_track_times(options, false);
  const Handle group(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, options, H5P_DEFAULT), H5Gclose,
                     "{}: {}: cannot be made", path_, name);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, const std::string& value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "{}: attribute {}: cannot be made", path_, name);
  const Handle type = string_type(path_);
  const Handle attribute(H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space, H5P_DEFAULT,
                                           H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "{}: attribute {} of {}: cannot be made", path_, name, object);
  const char* pointer = value.c_str();
  BATON_REQUIRE(H5Awrite(attribute, type, &pointer) >= 0, "{}: attribute {}: writing failed", path_, name);
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name,
                             std::span<const double> values) {
  const hsize_t count = values.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "{}: attribute {}: cannot be made",
                     path_, name);
  const Handle attribute(H5Acreate_by_name(file_, object.c_str(), name.c_str(), H5T_NATIVE_DOUBLE, space,
                                           H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "{}: attribute {} of {}: cannot be made", path_, name, object);
  if (values.empty()) return;
  BATON_REQUIRE(H5Awrite(attribute, H5T_NATIVE_DOUBLE, values.data()) >= 0,
                "{}: attribute {}: writing failed", path_, name);
}

#define BATON_HDF5_TYPE(T)                                                   \
  template void Hdf5File::write<T>(const std::string&, std::span<const T>,   \
                                   const std::vector<std::uint64_t>&, bool); \
  template void Hdf5File::append<T>(const std::string&, std::span<const T>, std::uint64_t);
BATON_HDF5_TYPE(double)
BATON_HDF5_TYPE(float)
BATON_HDF5_TYPE(std::int64_t)
BATON_HDF5_TYPE(std::uint64_t)
BATON_HDF5_TYPE(std::uint8_t)
#undef BATON_HDF5_TYPE

}  // namespace baton::rl
