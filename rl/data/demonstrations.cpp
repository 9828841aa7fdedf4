// Demonstrations by what a path is: a file, or a folder of files.
#include "rl/data/demonstrations.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"
#include "rl/data/other_forms.hpp"
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

// A log with a note where its last record is cut off.
Dataset read_log(const std::string& path, const ReadOptions& options) {
  MjlReport report;
  Dataset data = read_mjl(path, &report);
  if (report.truncated_bytes > 0)
    add_note(options, path, fmt::format("cut off inside a record, {} whole records used", report.records));
  check_read(data, path, options);
  return data;
}

bool is_log(const fs::path& path) { return path.extension() == ".mjl"; }
bool is_recording(const fs::path& path) {
  return is_log(path) || path.extension() == ".h5" || path.extension() == ".hdf5";
}

Dataset read_file(const std::string& path, const ReadOptions& options) {
  if (is_log(path)) {
    BATON_REQUIRE(options.obs_keys.empty(), "{}: a log holds no named observations; --obs-keys is for HDF5",
                  path);
    return read_log(path, options);
  }
  const std::string other = name_other_form(path);
  BATON_REQUIRE(other.empty(), "{}: {}", path, other);
  return read_dataset(path, options);
}

// The recordings below a folder in order of name. Hidden ones (macOS leaves "._NAME.mjl" beside NAME.mjl), empty ones
// and those in hidden folders are none.
std::vector<std::string> files_below(const std::string& path, const ReadOptions& options) {
  std::vector<std::string> files;
  for (auto at = fs::recursive_directory_iterator(path); at != fs::recursive_directory_iterator(); ++at) {
    const fs::directory_entry& entry = *at;
    const std::string file = entry.path().string();
    const bool hidden = entry.path().filename().string().starts_with('.');
    if (hidden && entry.is_directory()) at.disable_recursion_pending();
    if (!is_recording(entry.path()) || entry.is_directory()) continue;
    if (!entry.is_regular_file()) {
      add_note(options, file, "not a file; skipped");
    } else if (hidden) {
      add_note(options, file, "hidden; skipped");
    } else if (entry.file_size() == 0) {
      add_note(options, file, "empty; skipped");
    } else {
      files.push_back(file);
    }
  }
  std::ranges::sort(files);
  return files;
}

Dataset read_files(const std::vector<std::string>& files, const ReadOptions& options) {
  Dataset data;
  for (const std::string& file : files) {
    Dataset episodes = read_file(file, options);
    if (is_log(file)) {
      const std::string goal = goal_of_folder(fs::path(file).parent_path().filename().string());
      BATON_REQUIRE(is_printable(goal),
                    "{}: the folder's name holds control characters; it would name the goal",
                    printable(file, 300));
      episodes.goal_names = {goal};
    }
    BATON_REQUIRE(data.episodes() == 0 ||
                      (data.state_dim == episodes.state_dim && data.action_dim == episodes.action_dim),
                  "{}: states and actions are {} and {} wide, those of {} are {} and {}",
                  printable(file, 300), episodes.state_dim, episodes.action_dim,
                  printable(files.front(), 300), data.state_dim, data.action_dim);
    append(data, episodes);
  }
  return data;
}

bool holds(const std::string& folder, const char* name) {
  std::error_code error;
  return fs::is_regular_file(fs::path(folder) / name, error);
}

Dataset read_folder(const std::string& path, const ReadOptions& options) {
  for (const char* name : {"data/main_data.hdf5", "main_data.hdf5"}) {
    if (holds(path, name)) return read_dataset((fs::path(path) / name).string(), options);
  }
  if (holds(path, "observations_seq.npy")) return read_bet(path, options);
  const std::vector<std::string> files = files_below(path, options);
  if (!files.empty()) return read_files(files, options);
  const std::string other = name_other_form(path);
  BATON_REQUIRE(other.empty(), "{}: {}", path, other);
  fail(
      "{}: holds neither files (.mjl, .h5, .hdf5), nor Minari's data/main_data.hdf5, nor BeT's "
      "observations_seq.npy",
      path);
}

}  // namespace

Dataset read_demonstrations(const std::string& path, const ReadOptions& options) {
  BATON_REQUIRE(fs::exists(path), "{}: no such file or directory", path);
  return fs::is_directory(path) ? read_folder(path, options) : read_file(path, options);
}

envs::Spec spec_of(const Dataset& data, int robot_dim) {
  if (robot_dim < 0 || robot_dim > data.state_dim)
    throw UsageError(fmt::format("robot_dim is {}; states have {} numbers", robot_dim, data.state_dim));
  envs::Spec spec;
  spec.name = kNoEnvironment;
  spec.state_dim = data.state_dim;
  spec.action_dim = data.action_dim;
  spec.robot_dim = robot_dim;
  for (int e = 0; e < data.episodes(); ++e) spec.horizon = std::max(spec.horizon, data.length(e));
  spec.groups.push_back({"state", {}});
  for (int i = 0; i < data.state_dim; ++i) spec.groups.back().index.push_back(i);
  return spec;
}

}  // namespace baton::rl
