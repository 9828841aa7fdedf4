// What is not demonstrations is called by its name.
#include "rl/data/other_forms.hpp"

#include <array>
#include <filesystem>

#include "rl/data/demonstrations.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

TEST_CASE("other forms: files by their first bytes, then by their names, each with a remedy") {
  const TemporaryFolder folder;
  const auto told = [&](const std::string& name, const std::string& bytes) {
    write_text_atomic(folder.file(name), bytes);
    const std::string message = error_of([&] { read_demonstrations(folder.file(name)); });
    CHECK(message.starts_with(folder.file(name) + ": "));
    CHECK(message.substr(folder.file(name).size() + 2) == name_other_form(folder.file(name)));
    return message;
  };
  const std::string h5py = "write observations (N, S), actions (N, A) and timeouts (N) with h5py";
  const std::string zip = "PK\x03\x04 and more";
  for (const auto& [name, bytes, what] : std::vector<std::array<std::string, 3>>{
           {"a.npz", zip, "an archive of NumPy"},
           {"A.NPZ", zip, "an archive of NumPy"},
           {"a.npy", "\x93NUMPY\x01", "one array of NumPy; give the folder that holds BeT's"},
           {"a.pkl", "(dp0\n.", "a pickle of Python"},
           {"a.pickle", "\x80\x04\x95", "a pickle of Python"},
           {"a.data", std::string("\x80\x04\x95\x00", 4), "a pickle of Python"},
           {"a.pt", zip, "a file of PyTorch"},
           {"a.parquet", "PAR1....", "Parquet"},
           {"a.bin", "PAR1....", "Parquet"},
           {"a.arrow", "ARROW1..", "Arrow"},
           {"a.json", "{}", "JSON"},
           {"b.h5", "  [1, 2]", "JSON"},
           {"a.csv", "1,2", "a table of text"},
           {"a.mat", "MATLAB 5.0 MAT-file, ", "a MAT-file of MATLAB; save -v7.3 writes HDF5, or"},
           {"a.tfrecord", "x", "records of TensorFlow"},
           {"a.mp4", "x", "a video"}}) {
    CAPTURE(name);
    const std::string message = told(name, bytes);
    CHECK_MESSAGE(contains(message, what), message);
    CHECK_MESSAGE(contains(message, h5py), message);
  }
  CHECK(contains(told("a.h5", "version https://git-lfs.github.com/spec/v1\n"),
                 "git lfs pull fetches the file"));
  CHECK(contains(told("a.hdf5", "<!DOCTYPE html>"), "a web page"));
  CHECK(contains(told("a.zip", zip), "packed by zip; unpack it"));
  CHECK(contains(told("b.zip", "PK\x03\x04"), "unpack it"));
  CHECK(contains(told("c", zip), "unpack it"));
  CHECK(contains(told("a.h5.gz", "\x1f\x8b\x08"), "packed by gzip; unpack it"));
  // Nothing is known of these; the reader says what it is missing.
  for (const char* bytes : {"", "\x80", "observations"}) {
    write_text_atomic(folder.file("d.h5"), bytes);
    CHECK(name_other_form(folder.file("d.h5")).empty());
    CHECK(contains(error_of([&] { read_demonstrations(folder.file("d.h5")); }), "not an HDF5 file"));
  }
}

TEST_CASE("other forms: HDF5 is HDF5 under any name") {
  const TemporaryFolder folder;
  write_dataset(counting_dataset({2}), folder.file("a.h5"));
  std::filesystem::rename(folder.file("a.h5"), folder.file("a.mat"));
  CHECK(name_other_form(folder.file("a.mat")).empty());
  CHECK(read_demonstrations(folder.file("a.mat")).steps() == 2);
}

TEST_CASE("other forms: folders by what lies in them") {
  for (const auto& [name, what] : std::vector<std::array<std::string, 2>>{
           {".zgroup", "a zarr (Diffusion Policy's form)"},
           {"zarr.json", "a zarr"},
           {"meta/info.json", "a data set of LeRobot"},
           {"data/metadata.json", "a data set of Minari in another form than HDF5"},
           {"metadata.json", "a data set of Minari in another form than HDF5"},
           {"dataset_info.json", "a data set of TensorFlow (RLDS)"}}) {
    CAPTURE(name);
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.file(name);
    std::filesystem::create_directories(file.parent_path());
    write_text_atomic(file.string(), "{}");
    const std::string message = error_of([&] { read_demonstrations(folder.path); });
    CHECK_MESSAGE(contains(message, what), message);
    CHECK_MESSAGE(contains(message, "with h5py"), message);
  }
}
