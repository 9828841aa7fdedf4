#include "envs/sim/mjcf/files.hpp"

#include <algorithm>
#include <fstream>

namespace baton::sim::mjcf {

namespace fs = std::filesystem;

Folder::Folder(const std::string& model_file) : known_(true) {
  std::error_code ec;
  const fs::path canonical = fs::weakly_canonical(model_file, ec);
  BATON_REQUIRE(!ec, "{}: not a path: {}", model_file, ec.message());
  folder_ = canonical.parent_path();
  bound_ = folder_.has_parent_path() ? folder_.parent_path() : folder_;
}

fs::path Folder::find(const Element& e, const char* attribute, const std::string& directory,
                      const std::string& path) const {
  if (!known_) {
    refuse(e, attribute, "'{}' cannot be read for a text in memory; load a file instead", path);
  }
  std::error_code ec;
  const fs::path found = fs::weakly_canonical(folder_ / directory / path, ec);
  if (ec) refuse(e, attribute, "'{}' is not a path: {}", path, ec.message());
  const auto stop = std::mismatch(bound_.begin(), bound_.end(), found.begin(), found.end());
  if (stop.first != bound_.end()) {
    refuse(e, attribute, "'{}' lies outside '{}', the folder above the model's; move it inside", path,
           bound_.string());
  }
  if (!fs::is_regular_file(found, ec)) {
    refuse(e, attribute, "no file '{}' (paths are relative to '{}', the main file's folder{})", path,
           (folder_ / directory).lexically_normal().string(), directory.empty() ? "" : " and meshdir");
  }
  return found;
}

std::string read_file(const fs::path& path, const std::string& shown, std::size_t limit) {
  std::error_code ec;
  BATON_REQUIRE(fs::is_regular_file(path, ec), "{}: cannot be read: not a file", shown);
  std::ifstream in(path, std::ios::binary);
  BATON_REQUIRE(in.good(), "{}: cannot be read: check that it exists and is readable", shown);
  // One byte more than it says it has, so that the end is seen; files that grow or lie are read on in pieces.
  const std::uintmax_t size = fs::file_size(path, ec);
  std::string text;
  std::size_t piece = std::min<std::uintmax_t>(ec ? 0 : size, limit) + 1;
  while (in.good() && text.size() <= limit) {
    const std::size_t have = text.size();
    text.resize(have + piece);
    in.read(text.data() + have, static_cast<std::streamsize>(piece));
    text.resize(have + static_cast<std::size_t>(in.gcount()));
    piece = 1u << 16;
  }
  BATON_REQUIRE(text.size() <= limit, "{}: larger than {} bytes, the limit for such a file", shown, limit);
  return text;
}

}  // namespace baton::sim::mjcf
