// HDF5 is made in memory and written by our own checked writer when it is whole: the library meets no failing write, so
// none can be lost in it, and nothing is left to write when the process ends.
#include "rl/data/hdf5_file.hpp"

#include <algorithm>

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

}  // namespace

Hdf5File::Hdf5File(std::int64_t file, std::string path, std::string target)
    : file_(file), path_(std::move(path)), target_(std::move(target)) {}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      target_(std::exchange(other.target_, std::string())) {}

Hdf5File::~Hdf5File() {
  if (file_ >= 0) H5Fclose(file_);
}

Hdf5File Hdf5File::create(const std::string& path) {
  silence();
  BATON_REQUIRE(!is_stream(path), "{}: a pipe or a device; HDF5 can only be written to a file", path);
  constexpr std::size_t kGrowth = std::size_t{1} << 20;  // bytes
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "{}: cannot be made", path);
  BATON_REQUIRE(H5Pset_fapl_core(access, kGrowth, false) >= 0, "{}: cannot be made in memory", path);
  // Under the file's own name the library would look for one to read first.
  const hid_t file = H5Fcreate(temporary_name(path).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  BATON_REQUIRE(file >= 0, "{}: cannot be made in memory", path);
  return Hdf5File(file, path, path);
}

void Hdf5File::commit() {
  BATON_REQUIRE(!target_.empty(), "{}: commit on a file that is not being written", path_);
  const ssize_t size =
      H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(file_, nullptr, 0) : ssize_t{-1};
  std::string image(static_cast<std::size_t>(std::max(size, ssize_t{0})), '\0');
  const bool whole = size > 0 && H5Fget_file_image(file_, image.data(), image.size()) == size &&
                     H5Fclose(std::exchange(file_, -1)) >= 0;
  BATON_REQUIRE(whole, "{}: cannot be made in memory", path_);
  write_text_atomic(std::exchange(target_, {}), image);
}

template <class T>
void Hdf5File::write(const std::string& name, std::span<const T> values,
                     const std::vector<std::uint64_t>& shape, bool gzip) {
  BATON_REQUIRE(element_count(shape, path_, name) == values.size(), "{}: {}: {} numbers for a shape of {}",
                path_, name, values.size(), element_count(shape, path_, name));
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose,
                     "{}: {}: bad shape", path_, name);
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "{}: {}: cannot be made", path_, name);
  H5Pset_create_intermediate_group(links, 1);
  const Handle options(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "{}: {}: cannot be made", path_, name);
  H5Pset_obj_track_times(options, false);  // the same data gives the same bytes
  if (gzip && !values.empty()) {
    std::vector<hsize_t> chunk = dims;
    std::uint64_t row = 1;
    for (std::size_t i = 1; i < dims.size(); ++i) row *= dims[i];
    chunk[0] = std::clamp<hsize_t>(65536 / std::max<std::uint64_t>(row, 1), 1, dims[0]);
    const bool set = H5Pset_chunk(options, static_cast<int>(chunk.size()), chunk.data()) >= 0 &&
                     H5Pset_shuffle(options) >= 0 && H5Pset_deflate(options, 4) >= 0;
    BATON_REQUIRE(set, "{}: {}: cannot be packed", path_, name);
  }
  Handle dataset(H5Dcreate2(file_, name.c_str(), native_type<T>(), space, links, options, H5P_DEFAULT),
                 H5Dclose, "{}: {}: cannot be made", path_, name);
  const bool written = values.empty() ||
                       H5Dwrite(dataset, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0;
  BATON_REQUIRE(written && dataset.close(), "{}: {}: cannot be made in memory", path_, name);
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
  const hsize_t count = values.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "{}: {}: bad shape", path_, name);
  const Handle type = string_type(path_);
  const Handle options(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "{}: {}: cannot be made", path_, name);
  H5Pset_obj_track_times(options, false);
  Handle dataset(H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, options, H5P_DEFAULT), H5Dclose,
                 "{}: {}: cannot be made", path_, name);
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  const bool written =
      values.empty() || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0;
  BATON_REQUIRE(written && dataset.close(), "{}: {}: cannot be made in memory", path_, name);
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

#define BATON_HDF5_TYPE(T)                                                 \
  template void Hdf5File::write<T>(const std::string&, std::span<const T>, \
                                   const std::vector<std::uint64_t>&, bool);
BATON_HDF5_TYPE(double)
BATON_HDF5_TYPE(float)
BATON_HDF5_TYPE(std::int64_t)
BATON_HDF5_TYPE(std::uint64_t)
BATON_HDF5_TYPE(std::uint8_t)
#undef BATON_HDF5_TYPE

}  // namespace baton::rl
