#pragma once
// Where a model's files may lie, and reading them.
#include <filesystem>
#include <string>

#include "envs/sim/mjcf/document.hpp"

namespace baton::sim::mjcf {

// The folder of a model's main file. Paths inside the model are relative to it (MuJoCo's rule, also for files that an
// included file names) and, links followed, must lie in the folder above it or deeper: models share assets with their
// siblings ("../meshes/a.stl"), and a model from elsewhere reads nothing else.
class Folder {
 public:
  Folder() = default;  // of a text in memory: no paths
  explicit Folder(const std::string& model_file);

  // The file that `path` below `directory` (relative to the folder) names. Throws at `e` what is wrong with it.
  std::filesystem::path find(const Element& e, const char* attribute, const std::string& directory,
                             const std::string& path) const;

 private:
  bool known_ = false;
  std::filesystem::path folder_, bound_;
};

// The whole of a regular file of at most `limit` bytes. Throws Error "shown: ...".
std::string read_file(const std::filesystem::path& path, const std::string& shown, std::size_t limit);

}  // namespace baton::sim::mjcf
