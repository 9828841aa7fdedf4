// Demonstrations by what a path is: a file in HDF5, a log, or a folder of either.
#include <algorithm>
#include <array>
#include <filesystem>

#include "kernels/error.hpp"
#include "rl/data/dataset.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;

// "friday_microwave_kettle_topknob_hinge" -> "microwave_kettle_topknob_hinge": the prefix names a recording session.
std::string goal_of_folder(const std::string& folder) {
  constexpr std::array<std::string_view, 7> elements = {"microwave", "kettle", "bottomknob", "topknob",
                                                        "switch",    "slide",  "hinge"};
  std::size_t first = std::string::npos;
  for (const std::string_view element : elements) first = std::min(first, folder.find(element));
  return first == std::string::npos ? folder : folder.substr(first);
}

void note(std::vector<std::string>* notes, const std::string& path, const char* what) {
  if (notes != nullptr) notes->push_back(fmt::format("{}: {}", printable(path, 300), what));
}

// A log with a note where its last record is cut off.
Dataset read_noted(const std::string& path, std::vector<std::string>* notes) {
  MjlReport report;
  Dataset data = read_mjl(path, &report);
  if (report.truncated_bytes > 0)
    note(notes, path, fmt::format("cut off inside a record, {} whole records used", report.records).c_str());
  return data;
}

// The logs below a folder in order of name. Hidden ones (macOS leaves "._NAME.mjl" beside NAME.mjl) and empty ones are
// no recordings.
std::vector<std::string> logs_below(const std::string& path, std::vector<std::string>* notes) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    const std::string file = entry.path().string();
    if (entry.path().extension() != ".mjl" || entry.is_directory()) continue;
    if (!entry.is_regular_file()) {
      note(notes, file, "not a file; skipped");
    } else if (entry.path().filename().string().starts_with('.')) {
      note(notes, file, "hidden; skipped");
    } else if (entry.file_size() == 0) {
      note(notes, file, "empty; skipped");
    } else {
      files.push_back(file);
    }
  }
  BATON_REQUIRE(!files.empty(), "{}: holds neither .mjl logs nor Minari's data/main_data.hdf5", path);
  std::sort(files.begin(), files.end());
  return files;
}

Dataset read_directory(const std::string& path, std::vector<std::string>* notes) {
  Dataset data;
  for (const std::string& file : logs_below(path, notes)) {
    Dataset episode = read_noted(file, notes);
    const std::string goal = goal_of_folder(fs::path(file).parent_path().filename().string());
    BATON_REQUIRE(is_printable(goal),
                  "{}: the folder's name holds control characters; it would name the goal",
                  printable(file, 300));
    episode.goal_names = {goal};
    append(data, episode);
  }
  return data;
}

// Minari's file in a folder as Minari lays it out, or "".
std::string minari_file(const std::string& folder) {
  for (const char* name : {"data/main_data.hdf5", "main_data.hdf5"}) {
    const fs::path file = fs::path(folder) / name;
    if (fs::is_regular_file(file)) return file.string();
  }
  return "";
}

}  // namespace

Dataset read_demonstrations(const std::string& path, int state_dim, std::vector<std::string>* notes) {
  BATON_REQUIRE(fs::exists(path), "{}: no such file or directory", path);
  const bool folder = fs::is_directory(path);
  const std::string minari = folder ? minari_file(path) : "";
  if (!minari.empty()) return read_dataset(minari, state_dim, notes);
  if (!folder && fs::path(path).extension() != ".mjl") return read_dataset(path, state_dim, notes);
  Dataset data = folder ? read_directory(path, notes) : read_noted(path, notes);
  BATON_REQUIRE(state_dim <= 0 || data.state_dim == state_dim, "{}: states have {} numbers, {} are expected",
                path, data.state_dim, state_dim);
  return data;
}

}  // namespace baton::rl
