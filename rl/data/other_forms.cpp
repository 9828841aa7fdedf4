#include "rl/data/other_forms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWrite =
    "write observations (N, S), actions (N, A) and timeouts (N) with h5py (docs/formats.md has the lines)";
constexpr std::string_view kUnpack = "unpack it and give what is inside";

struct Form {
  std::string_view sign;  // the first bytes, or the end of the name
  std::string_view what, remedy;
  bool enough = false;  // the remedy needs no file of one's own
};

constexpr Form kBegins[] = {
    {"version https://git-lfs", "a pointer of Git LFS in place of the file", "git lfs pull fetches the file",
     true},
    {"<!DOCTYPE html", "a web page, where a download went wrong", "fetch the file anew", true},
    {"<html", "a web page, where a download went wrong", "fetch the file anew", true},
    {"\x93NUMPY", "one array of NumPy",
     "give the folder that holds BeT's observations_seq.npy, actions_seq.npy and existence_mask.npy, or"},
    {"PAR1", "Parquet (LeRobot's form)", ""},
    {"ARROW1", "Arrow", ""},
    {"MATLAB 5.0", "a MAT-file of MATLAB", "save -v7.3 writes HDF5, or"},
    {"\x1f\x8b", "packed by gzip", kUnpack, true},
    {"\xfd"
     "7zXZ",
     "packed by xz", kUnpack, true},
    {"\x28\xb5\x2f\xfd", "packed by zstd", kUnpack, true},
    {"BZh", "packed by bzip2", kUnpack, true},
};

// After the first bytes, which are the better witness. An .npz, PyTorch's files and archives are all ZIP.
constexpr Form kEnds[] = {
    {".npz", "an archive of NumPy", ""},
    {".npy", "one array of NumPy, damaged or cut off", ""},
    {".pkl", "a pickle of Python, which can run code when it is opened and is not", ""},
    {".pickle", "a pickle of Python, which can run code when it is opened and is not", ""},
    {".pt", "a file of PyTorch, which is a pickle: it can run code when it is opened and is not", ""},
    {".pth", "a file of PyTorch, which is a pickle: it can run code when it is opened and is not", ""},
    {".parquet", "Parquet (LeRobot's form)", ""},
    {".arrow", "Arrow", ""},
    {".feather", "Arrow", ""},
    {".json", "JSON, not demonstrations", ""},
    {".jsonl", "JSON, not demonstrations", ""},
    {".yaml", "YAML, not demonstrations", ""},
    {".csv", "a table of text", ""},
    {".txt", "text", ""},
    {".mat", "a MAT-file of MATLAB", "save -v7.3 writes HDF5, or"},
    {".tfrecord", "records of TensorFlow (RLDS)", ""},
    {".bag", "a bag of ROS", ""},
    {".db3", "a bag of ROS", ""},
    {".mcap", "a bag of ROS", ""},
    {".mp4", "a video", "observations are numbers, not pictures:"},
    {".zip", "packed by zip", kUnpack, true},
    {".tar", "packed by tar", kUnpack, true},
};

std::string told(const Form& form) {
  if (form.enough) return fmt::format("{}; {}", form.what, form.remedy);
  return fmt::format("{}; {}{}{}", form.what, form.remedy, form.remedy.empty() ? "" : " ", kWrite);
}

const Form& ending(std::string_view end) { return *std::ranges::find(kEnds, end, &Form::sign); }

std::string name_file(const std::string& path) {
  const OutsideFile file(path, "a file of demonstrations");
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(file.bytes(), 64)), '\0');
  file.read(0, head.data(), head.size());
  if (head.starts_with("\x89HDF\r\n")) return "";
  for (const Form& form : kBegins) {
    if (head.starts_with(form.sign)) return told(form);
  }
  std::string name = fs::path(path).filename().string();
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Form& form : kEnds) {
    if (name.ends_with(form.sign)) return told(form);
  }
  // Protocols 2 to 5 say themselves; whatever the name is, nobody opens it here.
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) return told(ending(".pkl"));
  if (head.starts_with("PK\x03\x04")) return told(ending(".zip"));
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  const bool braced = first != std::string::npos && (head[first] == '{' || head[first] == '[');
  return braced ? told(ending(".json")) : "";
}

std::string name_folder(const std::string& path) {
  const fs::path folder(path);
  const auto holds = [&](const char* name) {
    std::error_code error;
    return fs::exists(folder / name, error);
  };
  if (holds(".zgroup") || holds(".zattrs") || holds("zarr.json") || folder.extension() == ".zarr")
    return fmt::format("a zarr (Diffusion Policy's form); {}", kWrite);
  if (holds("meta/info.json")) return fmt::format("a data set of LeRobot (Parquet); {}", kWrite);
  if (holds("data/metadata.json") || holds("metadata.json"))
    return fmt::format(
        "a data set of Minari in another form than HDF5; create it with data_format=\"hdf5\", or {}", kWrite);
  if (holds("dataset_info.json") || holds("features.json"))
    return fmt::format("a data set of TensorFlow (RLDS); {}", kWrite);
  return "";
}

}  // namespace

std::string name_other_form(const std::string& path) {
  return fs::is_directory(path) ? name_folder(path) : name_file(path);
}

}  // namespace baton::rl
