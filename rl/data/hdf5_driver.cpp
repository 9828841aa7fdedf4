#include "rl/data/hdf5_driver.hpp"

#include <algorithm>
#include <exception>

namespace baton::rl::hdf5 {
namespace {

struct File {
  H5FD_t library;  // the library's part, first
  Sink* sink;
};

Sink& sink_of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file)->sink; }

// Runs `work` unless something has failed before; remembers a failure.
template <class Work>
herr_t attempt(Sink& sink, const Work& work) {
  if (!sink.failure.empty()) return 0;
  try {
    work();
  } catch (const std::exception& error) {
    sink.failure = error.what();
  }
  return 0;
}

// The library opens a file twice: to see whether it has it open already, and then in earnest.
H5FD_t* open_file(const char*, unsigned flags, hid_t access, haddr_t) {
  Sink* const* sink = static_cast<Sink* const*>(H5Pget_driver_info(access));
  if (sink == nullptr) return nullptr;
  if ((flags & H5F_ACC_TRUNC) != 0) (*sink)->end = (*sink)->claimed = 0;
  return &(new File{{}, *sink})->library;
}

herr_t close_file(H5FD_t* file) {
  delete reinterpret_cast<File*>(file);
  return 0;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const Sink *x = &sink_of(a), *y = &sink_of(b);
  return x < y ? -1 : x > y;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t claimed(const H5FD_t* file, H5FD_mem_t) { return sink_of(file).claimed; }
herr_t claim(H5FD_t* file, H5FD_mem_t, haddr_t bytes) {
  sink_of(file).claimed = bytes;
  return 0;
}
haddr_t written(const H5FD_t* file, H5FD_mem_t) { return sink_of(file).end; }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t bytes, void* to) {
  Sink& sink = sink_of(file);
  std::fill_n(static_cast<char*>(to), bytes, '\0');
  return attempt(sink, [&] { sink.file.file().read_at(at, static_cast<char*>(to), bytes); });
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t bytes, const void* from) {
  Sink& sink = sink_of(file);
  sink.end = std::max<std::uint64_t>(sink.end, at + bytes);
  return attempt(sink, [&] { sink.file.file().write_at(at, {static_cast<const char*>(from), bytes}); });
}

// The file has the size that the library claims.
herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  Sink& sink = sink_of(file);
  if (sink.end == sink.claimed) return 0;
  sink.end = sink.claimed;
  return attempt(sink, [&] { sink.file.file().resize(sink.claimed); });
}

hid_t driver() {
  static const hid_t registered = [] {
    H5FD_class_t table = {};
    table.name = "baton";
    table.maxaddr = (haddr_t{1} << 62) - 1;
    table.fc_degree = H5F_CLOSE_STRONG;
    table.fapl_size = sizeof(Sink*);
    table.open = open_file;
    table.close = close_file;
    table.cmp = compare;
    table.query = query;
    table.get_eoa = claimed;
    table.set_eoa = claim;
    table.get_eof = written;
    table.read = read;
    table.write = write;
    table.truncate = truncate;
    const H5FD_mem_t kinds[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kinds), std::end(kinds), std::begin(table.fl_map));
    return H5FDregister(&table);
  }();
  return registered;
}

}  // namespace

hid_t make_access(Sink& sink) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  Sink* const info = &sink;
  if (access >= 0 && H5Pset_driver(access, driver(), &info) < 0) {
    H5Pclose(access);
    return -1;
  }
  return access;
}

}  // namespace baton::rl::hdf5
