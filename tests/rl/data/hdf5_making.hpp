#pragma once
// HDF5 files for the tests of rl/data: arrays of any type, shape and filter, and how they are read or refused.
#include <doctest/doctest.h>
#include <hdf5.h>

#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "rl/data/demonstrations.hpp"
#include "rl/data/outside.hpp"
#include "tests/rl/synthetic.hpp"

namespace baton::test {

using Shape = std::vector<hsize_t>;

// Creates one array; `values` in `memory` numbers, nothing written where null.
inline void put(hid_t file, const std::string& name, const Shape& shape, hid_t stored, hid_t memory,
                const void* values, hid_t options = H5P_DEFAULT) {
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t array = H5Dcreate2(file, name.c_str(), stored, space, links, options, H5P_DEFAULT);
  REQUIRE(array >= 0);
  if (values != nullptr) REQUIRE(H5Dwrite(array, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(array);
  H5Sclose(space);
  H5Pclose(links);
}

inline void put_floats(hid_t file, const std::string& name, const Shape& shape,
                       const std::vector<float>& values, hid_t options = H5P_DEFAULT,
                       hid_t stored = H5T_IEEE_F32LE) {
  put(file, name, shape, stored, H5T_NATIVE_FLOAT, values.data(), options);
}

inline hid_t chunked(const Shape& chunk) {
  const hid_t options = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(options, static_cast<int>(chunk.size()), chunk.data());
  return options;
}

// Six steps in two episodes, but for what `spoil` is to write in place of the arrays in `without`.
using Spoil = std::function<void(hid_t file)>;
inline std::string make(const TemporaryFolder& folder, const std::set<std::string>& without,
                        const Spoil& spoil) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const std::string path = folder.file("a.h5");
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  REQUIRE(file >= 0);
  const std::vector<float> states{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
      actions{0, 0.5f, 1, -1, -0.5f, 0.25f};
  const std::array<std::uint8_t, 6> ends{0, 0, 1, 0, 0, 1};
  if (!without.contains("observations")) put_floats(file, "observations", {6, 2}, states);
  if (!without.contains("actions")) put_floats(file, "actions", {6, 1}, actions);
  if (!without.contains("timeouts")) put(file, "timeouts", {6}, H5T_STD_U8LE, H5T_NATIVE_UINT8, ends.data());
  spoil(file);
  REQUIRE(H5Fclose(file) >= 0);
  return path;
}

inline rl::Dataset read_made(const std::set<std::string>& without, const Spoil& spoil,
                             const rl::ReadOptions& options = {}) {
  const TemporaryFolder folder;
  return rl::read_dataset(make(folder, without, spoil), options);
}

inline std::string refusal(const std::set<std::string>& without, const Spoil& spoil,
                           const rl::ReadOptions& options = {}) {
  const TemporaryFolder folder;
  const std::string path = make(folder, without, spoil);
  const std::string message = error_of([&] { rl::read_dataset(path, options); });
  CHECK(message.starts_with(path + ": "));
  CHECK(is_printable(message));
  return message;
}

}  // namespace baton::test
