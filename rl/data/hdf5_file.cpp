#include "rl/data/hdf5_file.hpp"

#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "rl/data/hdf5_handle.hpp"

namespace baton::rl {

using hdf5::element_count, hdf5::Handle, hdf5::native_type, hdf5::silence, hdf5::string_type;

namespace {

// h5py writes booleans as an enumeration over one byte, which HDF5 does not convert to numbers by itself.
bool is_byte_enum(hid_t type) { return H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1; }

std::vector<std::uint64_t> space_shape(hid_t space) {
  const int rank = std::max(0, H5Sget_simple_extent_ndims(space));
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

// Stored bytes bound what a well-formed array of this size can need; gzip reaches at most about 1000 : 1.
void require_plausible(hid_t dataset, std::uint64_t bytes, const std::string& path, const std::string& name) {
  const std::uint64_t stored = H5Dget_storage_size(dataset);
  BATON_REQUIRE(bytes <= (std::uint64_t{1} << 20) || (stored > 0 && bytes / stored < 4096),
                "{}: {}: claims {} bytes but stores {}: damaged or truncated", path, name, bytes, stored);
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

Hdf5File Hdf5File::open(const std::string& path) {
  silence();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  BATON_REQUIRE(std::filesystem::exists(status), "{}: no such file", path);
  BATON_REQUIRE(std::filesystem::is_regular_file(status), "{}: not a file but a {}; an HDF5 file is expected",
                path, std::filesystem::is_directory(status) ? "directory" : "special file");
  BATON_REQUIRE(access(path.c_str(), R_OK) == 0, "{}: no permission to read", path);
  BATON_REQUIRE(H5Fis_hdf5(path.c_str()) > 0, "{}: not an HDF5 file", path);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  BATON_REQUIRE(file >= 0, "{}: damaged or truncated HDF5 file ({} bytes)", path,
                std::filesystem::file_size(path, error));
  return Hdf5File(file, path, "");
}

bool Hdf5File::has(const std::string& name) const {
  // H5Lexists wants every intermediate link to exist.
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (H5Lexists(file_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(file_, name.c_str(), H5P_DEFAULT) > 0;
}

bool Hdf5File::is_dataset(const std::string& name) const {
  if (!has(name)) return false;
  const Handle object(H5Oopen(file_, name.c_str(), H5P_DEFAULT), H5Oclose, "{}: cannot open {}", path_, name);
  return H5Iget_type(object) == H5I_DATASET;
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  const Handle object(H5Gopen2(file_, group.c_str(), H5P_DEFAULT), H5Gclose, "{}: no group {}", path_, group);
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  BATON_REQUIRE(H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) >= 0,
                "{}: cannot list {}", path_, group);
  return names;
}

std::vector<std::uint64_t> Hdf5File::shape(const std::string& name) const {
  BATON_REQUIRE(has(name), "{}: no array {}", path_, name);
  BATON_REQUIRE(is_dataset(name), "{}: {} is a group, an array is expected", path_, name);
  const Handle dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "{}: cannot open {}", path_,
                       name);
  const Handle space(H5Dget_space(dataset), H5Sclose, "{}: cannot open {}", path_, name);
  return space_shape(space);
}

template <class T>
std::vector<T> Hdf5File::read(const std::string& name, std::vector<std::uint64_t>* shape_out) const {
  const std::vector<std::uint64_t> extents = shape(name);
  const Handle dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "{}: cannot open {}", path_,
                       name);
  const Handle stored(H5Dget_type(dataset), H5Tclose, "{}: {}: unreadable type", path_, name);
  const H5T_class_t kind = H5Tget_class(stored);
  BATON_REQUIRE(kind == H5T_FLOAT || kind == H5T_INTEGER || is_byte_enum(stored),
                "{}: {}: not an array of numbers", path_, name);
  const std::uint64_t count = element_count(extents, path_, name);
  require_plausible(dataset, count * H5Tget_size(stored), path_, name);
  std::vector<T> values(count);
  if (shape_out != nullptr) *shape_out = extents;
  if (count == 0) return values;
  herr_t status = 0;
  if (is_byte_enum(stored)) {
    std::vector<std::uint8_t> bytes(count);
    status = H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
    std::copy(bytes.begin(), bytes.end(), values.begin());
  } else {
    status = H5Dread(dataset, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  BATON_REQUIRE(status >= 0, "{}: {}: cannot be read: damaged or truncated", path_, name);
  return values;
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name) const {
  const std::vector<std::uint64_t> extents = shape(name);
  const Handle dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "{}: cannot open {}", path_,
                       name);
  const Handle stored(H5Dget_type(dataset), H5Tclose, "{}: {}: unreadable type", path_, name);
  BATON_REQUIRE(H5Tget_class(stored) == H5T_STRING, "{}: {}: not an array of strings", path_, name);
  const std::uint64_t count = element_count(extents, path_, name);
  std::vector<std::string> strings;
  if (count == 0) return strings;
  if (H5Tis_variable_str(stored) > 0) {
    const Handle type(H5Tcopy(stored), H5Tclose, "{}: {}: unreadable type", path_, name);
    const Handle space(H5Dget_space(dataset), H5Sclose, "{}: cannot open {}", path_, name);
    require_plausible(dataset, count * sizeof(char*), path_, name);
    std::vector<char*> pointers(count, nullptr);
    BATON_REQUIRE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0,
                  "{}: {}: cannot be read: damaged or truncated", path_, name);
    for (const char* pointer : pointers) strings.emplace_back(pointer != nullptr ? pointer : "");
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    return strings;
  }
  const std::size_t size = H5Tget_size(stored);
  element_count({count, size}, path_, name);
  require_plausible(dataset, count * size, path_, name);
  std::vector<char> bytes(count * size);
  BATON_REQUIRE(H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
                "{}: {}: cannot be read: damaged or truncated", path_, name);
  for (std::uint64_t i = 0; i < count; ++i) {
    const char* begin = bytes.data() + i * size;
    strings.emplace_back(begin, std::find(begin, begin + size, '\0'));
  }
  return strings;
}

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  return (object == "/" || has(object)) &&
         H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string Hdf5File::string_attribute(const std::string& object, const std::string& name) const {
  BATON_REQUIRE(has_attribute(object, name), "{}: no attribute {} of {}", path_, name, object);
  const Handle attribute(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "{}: cannot open attribute {} of {}", path_, name, object);
  const Handle stored(H5Aget_type(attribute), H5Tclose, "{}: attribute {}: unreadable type", path_, name);
  const Handle space(H5Aget_space(attribute), H5Sclose, "{}: attribute {}: unreadable", path_, name);
  BATON_REQUIRE(H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) > 0 &&
                    H5Sget_simple_extent_npoints(space) == 1,
                "{}: attribute {} of {} is not one string", path_, name, object);
  char* pointer = nullptr;
  const Handle type = string_type(path_);
  BATON_REQUIRE(H5Aread(attribute, type, &pointer) >= 0 && pointer != nullptr,
                "{}: attribute {}: cannot be read", path_, name);
  std::string value(pointer);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, &pointer);
  return value;
}

std::vector<double> Hdf5File::number_attribute(const std::string& object, const std::string& name) const {
  BATON_REQUIRE(has_attribute(object, name), "{}: no attribute {} of {}", path_, name, object);
  const Handle attribute(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "{}: cannot open attribute {} of {}", path_, name, object);
  const Handle stored(H5Aget_type(attribute), H5Tclose, "{}: attribute {}: unreadable type", path_, name);
  const H5T_class_t kind = H5Tget_class(stored);
  BATON_REQUIRE(kind == H5T_FLOAT || kind == H5T_INTEGER, "{}: attribute {} of {} is not numbers", path_,
                name, object);
  const Handle space(H5Aget_space(attribute), H5Sclose, "{}: attribute {}: unreadable", path_, name);
  std::vector<double> values(element_count(space_shape(space), path_, name));
  BATON_REQUIRE(values.empty() || H5Aread(attribute, H5T_NATIVE_DOUBLE, values.data()) >= 0,
                "{}: attribute {}: cannot be read", path_, name);
  return values;
}

#define BATON_HDF5_TYPE(T) \
  template std::vector<T> Hdf5File::read<T>(const std::string&, std::vector<std::uint64_t>*) const;
BATON_HDF5_TYPE(double)
BATON_HDF5_TYPE(float)
BATON_HDF5_TYPE(std::int64_t)
BATON_HDF5_TYPE(std::uint64_t)
BATON_HDF5_TYPE(std::uint8_t)
#undef BATON_HDF5_TYPE

}  // namespace baton::rl
