#include "rl/data/hdf5_array.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/error.hpp"
#include "rl/data/hdf5_lzf.hpp"
#include "rl/data/lzf.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl::hdf5 {
namespace {

constexpr std::uint64_t kMostChunkBytes = std::uint64_t{1} << 29;
constexpr std::uint64_t kDeflateRatio = 1032;  // a byte of deflate stands for at most 1032

// What the library found first. Its stack of errors lasts until it is called again.
std::string library_reason() {
  std::string reason;
  const auto first = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
    if (error->desc != nullptr) *static_cast<std::string*>(out) = printable(error->desc);
    return 1;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &reason);
  return reason;
}

std::string library_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

bool is_half(hid_t type) {
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  return H5Tget_size(type) == 2 && H5Tget_ebias(type) == 15 && H5Tget_norm(type) == H5T_NORM_IMPLIED &&
         H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >= 0 &&
         sign == 15 && exponent == 10 && exponent_bits == 5 && mantissa == 0 && mantissa_bits == 10;
}

bool is_ieee(hid_t type) {
  const std::array<hid_t, 4> known = {H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE};
  return is_half(type) || std::ranges::any_of(known, [&](hid_t one) { return H5Tequal(type, one) > 0; });
}

bool is_whole_integer(hid_t type) {
  const std::size_t size = H5Tget_size(type);
  const H5T_order_t order = H5Tget_order(type);
  return (size == 1 || size == 2 || size == 4 || size == 8) && H5Tget_precision(type) == 8 * size &&
         H5Tget_offset(type) == 0 && (order == H5T_ORDER_LE || order == H5T_ORDER_BE);
}

// h5py writes booleans as an enumeration of FALSE = 0 and TRUE = 1 over one byte.
bool is_boolean(hid_t type) {
  if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
  for (unsigned i = 0; i < 2; ++i) {
    std::int8_t value = -1;
    char* name = H5Tget_member_name(type, i);
    const bool read = name != nullptr && H5Tget_member_value(type, i, &value) >= 0;
    const bool right =
        read && (value == 0 || value == 1) && std::strcmp(name, value == 1 ? "TRUE" : "FALSE") == 0;
    if (name != nullptr) H5free_memory(name);
    if (!right) return false;
  }
  return true;
}

Kind kind_of(hid_t type, const std::string& name) {
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      BATON_REQUIRE(is_ieee(type),
                    "{}: floating-point numbers of {} bytes in a form of their own; IEEE's are read", name,
                    H5Tget_size(type));
      return Kind::kFloat;
    case H5T_INTEGER:
      BATON_REQUIRE(is_whole_integer(type),
                    "{}: integers in a form of their own; those of 8 to 64 bits are read", name);
      return Kind::kInteger;
    case H5T_ENUM:
      BATON_REQUIRE(is_boolean(type), "{}: an enumeration other than FALSE = 0, TRUE = 1 (h5py's booleans)",
                    name);
      return Kind::kFlag;
    case H5T_BITFIELD:  // PyTables' booleans
      BATON_REQUIRE(H5Tget_size(type) == 1 && H5Tget_precision(type) == 8,
                    "{}: a bit field of {} bytes; one of 8 bits for each flag is read", name,
                    H5Tget_size(type));
      return Kind::kFlag;
    case H5T_STRING:
      return Kind::kText;
    case H5T_NO_CLASS:
      refuse_damaged(name);
    default:
      fail("{}: neither numbers nor text", name);
  }
}

// What filters do to the bytes of a chunk.
struct Filters {
  unsigned compression = 0;     // its bit in a chunk's mask of filters that were left out
  std::uint64_t ratio = 1;      // a stored byte stands for at most so many
  std::uint64_t checksums = 0;  // bytes that fletcher32 adds
  std::uint64_t under_lzf = 0;  // those of them that LZF compresses
};

// The names of filters come from the file.
Filters check_filters(hid_t options, std::uint64_t item_bytes, const std::string& name) {
  const int filters = H5Pget_nfilters(options);
  if (filters < 0) refuse_damaged(name);
  Filters known;
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    unsigned value = 0;
    std::size_t values = 1;
    std::array<char, 64> text = {};
    const H5Z_filter_t filter = H5Pget_filter2(options, static_cast<unsigned>(i), &flags, &values, &value,
                                               text.size() - 1, text.data(), nullptr);
    if (filter < 0) refuse_damaged(name);
    const bool compresses = filter == H5Z_FILTER_DEFLATE || filter == kLzf;
    BATON_REQUIRE(compresses || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32,
                  "{}: filtered by {} (\"{}\"); deflate (gzip), LZF, shuffle and fletcher32 are read: "
                  "h5repack -f GZIP=4 "
                  "IN OUT where that filter is installed",
                  name, filter, printable(text.data()));
    BATON_REQUIRE(!compresses || known.compression == 0, "{}: compressed twice; once is read", name);
    BATON_REQUIRE(filter != H5Z_FILTER_SHUFFLE || (values == 1 && value == item_bytes),
                  "{}: damaged: its numbers of {} bytes were shuffled as if of {}", name, item_bytes, value);
    if (filter == H5Z_FILTER_FLETCHER32) known.checksums += 4;
    if (!compresses) continue;
    known.compression = 1U << i;
    known.ratio = filter == kLzf ? kLzfRatio : kDeflateRatio;
    known.under_lzf = known.checksums;
  }
  return known;
}

void read_shape(Array& array, const std::string& name) {
  const int rank = H5Sget_simple_extent_ndims(array.space);
  if (rank < 0) refuse_damaged(name);
  BATON_REQUIRE(H5Sget_simple_extent_type(array.space) != H5S_NULL, "{}: an array without a shape", name);
  BATON_REQUIRE(rank <= static_cast<int>(kMostDimensions), "{}: {} dimensions, at most {} are read", name,
                rank, kMostDimensions);
  std::array<hsize_t, kMostDimensions> extents = {};
  if (H5Sget_simple_extent_dims(array.space, extents.data(), nullptr) < 0) refuse_damaged(name);
  array.shape.rank = static_cast<std::uint32_t>(rank);
  for (int i = 0; i < rank; ++i) {
    BATON_REQUIRE(extents[i] == 0 || array.count <= kMostElements / extents[i],
                  "{}: too large, more than {} numbers", name, kMostElements);
    array.shape.extents[i] = extents[i];
    array.count *= extents[i];
  }
}

// A chunk holds what its shape takes. Compression alone may be left out: it is where it saves nothing.
void check_chunk(const Array& array, const Filters& filters, const hsize_t* offset, const std::string& name) {
  unsigned left_out = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t bytes = 0;
  if (H5Dget_chunk_info_by_coord(array.dataset, offset, &left_out, &address, &bytes) < 0)
    refuse_damaged(name);
  BATON_REQUIRE(address != HADDR_UNDEF, "{}: not all of its chunks were written; they would read as zeros",
                name);
  const bool compressed = (filters.compression & ~left_out) != 0;
  const std::uint64_t plain = array.chunk_bytes + filters.checksums;
  BATON_REQUIRE((left_out & ~filters.compression) == 0 &&
                    (compressed ? bytes >= plain / filters.ratio : bytes == plain),
                "{}: damaged: a chunk of {} bytes where {} are needed", name, bytes, plain);
}

// Every chunk that the shape needs is there, and no other.
void check_chunks(Array& array, hid_t options, const Filters& filters, const std::string& name) {
  std::array<hsize_t, kMostDimensions> chunk = {}, offset = {};
  const int rank = static_cast<int>(array.shape.rank);
  if (H5Pget_chunk(options, rank, chunk.data()) != rank || rank == 0) refuse_damaged(name);
  std::uint64_t wanted = 1;
  array.chunk_rows = chunk[0];
  array.chunk_bytes = array.item_bytes;
  for (int i = 0; i < rank; ++i) {
    BATON_REQUIRE(chunk[i] > 0 && array.chunk_bytes <= kMostChunkBytes / chunk[i],
                  "{}: chunks of more than {} bytes; smaller ones are read: h5repack -l {}:CHUNK=... IN OUT",
                  name, kMostChunkBytes, name);
    array.chunk_bytes *= chunk[i];
    wanted *= (array.shape.extents[i] + chunk[i] - 1) / chunk[i];
  }
  hsize_t written = 0;
  if (H5Dget_num_chunks(array.dataset, array.space, &written) < 0) refuse_damaged(name);
  BATON_REQUIRE(written >= wanted, "{}: {} of its {} chunks were written; the others would read as zeros",
                name, written, wanted);
  BATON_REQUIRE(written == wanted, "{}: damaged: {} chunks where its shape takes {}", name, written, wanted);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    check_chunk(array, filters, offset.data(), name);
    for (int d = rank - 1; d >= 0; --d) {  // the next one, the last dimension fastest
      if ((offset[d] += chunk[d]) < array.shape.extents[d]) break;
      offset[d] = 0;
    }
  }
}

void check_storage(Array& array, const std::string& name) {
  const Handle options(H5Dget_create_plist(array.dataset), H5Pclose, name);
  const H5D_layout_t layout = H5Pget_layout(options);
  if (layout < 0) refuse_damaged(name);
  BATON_REQUIRE(layout != H5D_VIRTUAL,
                "{}: a virtual array, put together from other files; its data must lie in it", name);
  BATON_REQUIRE(H5Pget_external_count(options) == 0,
                "{}: its data lie in another file (external storage); they must lie in it", name);
  const Filters filters = layout == H5D_CHUNKED ? check_filters(options, array.item_bytes, name) : Filters();
  array.stored = H5Dget_storage_size(array.dataset);
  if (array.count == 0) return;
  BATON_REQUIRE(array.stored > 0, "{}: never written; it would read as zeros", name);
  if (layout == H5D_CHUNKED) check_chunks(array, options, filters, name);
  expect_of_lzf(array.chunk_bytes + filters.under_lzf);
  const std::uint64_t bytes = array.count * array.item_bytes;
  BATON_REQUIRE(bytes / filters.ratio <= array.stored,
                "{}: claims {} bytes but stores {}: damaged or truncated", name, bytes, array.stored);
}

}  // namespace

void refuse_damaged(const std::string& name) {
  const std::string reason = library_reason();
  BATON_REQUIRE(
      reason.find("version") == std::string::npos,
      "{}: in a form newer than HDF5 {} reads, or damaged ({}); written anew by h5py without libver=, it "
      "is read (docs/formats.md has the line that does it)",
      name, library_version(), reason);
  fail("{}: damaged or truncated{}{}{}", name, reason.empty() ? "" : " (", reason, reason.empty() ? "" : ")");
}

std::optional<Handle> find_object(hid_t file, const std::string& name) {
  const std::string shown = printable(name);
  Handle at(H5Oopen(file, "/", H5P_DEFAULT), H5Oclose, shown);
  for (std::size_t first = 0; first < name.size();) {
    const std::size_t slash = std::min(name.find('/', first), name.size());
    const std::string part = name.substr(first, slash - first);
    first = slash + 1;
    if (part.empty()) continue;
    if (H5Iget_type(at) != H5I_GROUP) return {};
    const htri_t there = H5Lexists(at, part.c_str(), H5P_DEFAULT);
    if (there < 0) refuse_damaged(shown);
    if (there == 0) return {};
    H5L_info_t link = {};
    if (H5Lget_info(at, part.c_str(), &link, H5P_DEFAULT) < 0) refuse_damaged(shown);
    BATON_REQUIRE(link.type == H5L_TYPE_HARD,
                  "{}: {} link; only what lies in the file under its own name is read", shown,
                  link.type == H5L_TYPE_SOFT ? "a soft" : "an external");
    at = Handle(H5Oopen(at, part.c_str(), H5P_DEFAULT), H5Oclose, shown);
  }
  return at;
}

Array open_array(hid_t file, const std::string& name) {
  const std::string shown = printable(name);
  std::optional<Handle> object = find_object(file, name);
  BATON_REQUIRE(object.has_value(), "no array {}", shown);
  BATON_REQUIRE(H5Iget_type(*object) == H5I_DATASET, "{} is a group, an array is expected", shown);
  H5O_info_t info = {};
  if (H5Oget_info2(*object, &info, H5O_INFO_BASIC) < 0) refuse_damaged(shown);
  Handle type(H5Dget_type(*object), H5Tclose, shown), space(H5Dget_space(*object), H5Sclose, shown);
  Array array = {std::move(*object), std::move(type), std::move(space), {}, 1, 0, 0, info.addr, 0, 0};
  array.shape.kind = kind_of(array.type, shown);
  array.item_bytes = H5Tget_size(array.type);
  BATON_REQUIRE(array.item_bytes > 0 && array.item_bytes <= kMostTextBytes, "{}: items of {} bytes", shown,
                array.item_bytes);
  read_shape(array, shown);
  check_storage(array, shown);
  return array;
}

}  // namespace baton::rl::hdf5
