#include "rl/run/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "kernels/error.hpp"
#include "rl/run/progress.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kMark = ".baton-";
constexpr std::size_t kDigits = 16;
constexpr int kPatience = 60'000;  // ms that a pipe may stay full

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

void wait_for_reader(int file, const std::string& shown) {
  pollfd wanted{file, POLLOUT, 0};
  const int ready = poll(&wanted, 1, kPatience);
  if (ready < 0 && errno == EINTR) throw Interrupted();
  BATON_REQUIRE(ready > 0, "{}: writing failed: its reader takes nothing", shown);
}

}  // namespace

bool is_stream(const std::string& path) {
  std::error_code error;
  const auto there = fs::status(path, error);
  return fs::exists(there) && !fs::is_regular_file(there) && !fs::is_directory(there);
}

std::string linked_file(const std::string& path) {
  std::error_code error;
  const auto real = fs::canonical(path, error);
  return error ? path : real.string();
}

fs::path tidy_path(const fs::path& path) {
  std::error_code error;
  const fs::path normal = fs::absolute(path, error).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

std::string relative_to(const std::string& from, const std::string& path) {
  const fs::path to = tidy_path(path), relative = to.lexically_relative(tidy_path(from));
  return relative.empty() ? to.string() : relative.string();
}

std::string temporary_name(const std::string& path) {
  std::uint64_t number = 0;
  BATON_REQUIRE(getrandom(&number, sizeof number, 0) == sizeof number, "{}: no random name for it: {}", path,
                std::strerror(errno));
  return fmt::format("{}{}{:0{}x}", path, kMark, number, kDigits);
}

bool is_temporary_of(std::string_view entry, std::string_view name) {
  if (entry.size() != name.size() + kMark.size() + kDigits || !entry.starts_with(name)) return false;
  entry.remove_prefix(name.size());
  return entry.starts_with(kMark) &&
         entry.find_first_not_of("0123456789abcdef", kMark.size()) == std::string_view::npos;
}

Descriptor::Descriptor(const std::string& path, int flags, std::string shown)
    : file_(open(path.c_str(), flags | O_CLOEXEC, 0666)), shown_(std::move(shown)) {
  BATON_REQUIRE(file_ >= 0, "{}: cannot be written: {}", shown_,
                errno == ENXIO ? "nobody reads from it" : std::strerror(errno));
}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : file_(std::exchange(other.file_, -1)), shown_(std::move(other.shown_)) {}

Descriptor::~Descriptor() {
  if (file_ >= 0) ::close(file_);
}

// some(bytes left) writes some of them, as write(2) does.
template <class Some>
void Descriptor::write_all(std::string_view bytes, const Some& some) {
  while (!bytes.empty()) {
    const ssize_t written = some(bytes);
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      wait_for_reader(file_, shown_);
    } else if (written == 0 || errno != EINTR) {
      fail("{}: writing failed: {}", shown_, written == 0 ? "nothing is taken" : std::strerror(errno));
    }
  }
}

void Descriptor::write(std::string_view bytes) {
  write_all(bytes, [&](std::string_view left) { return ::write(file_, left.data(), left.size()); });
}

void Descriptor::write_at(std::uint64_t offset, std::string_view bytes) {
  write_all(bytes, [&](std::string_view left) {
    return pwrite(file_, left.data(), left.size(), static_cast<off_t>(offset + (bytes.size() - left.size())));
  });
}

void Descriptor::read_at(std::uint64_t offset, char* to, std::size_t bytes) const {
  while (bytes > 0) {
    const ssize_t got = pread(file_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    BATON_REQUIRE(got >= 0, "{}: reading back failed: {}", shown_, std::strerror(errno));
    if (got == 0) std::fill_n(to, std::exchange(bytes, 0), '\0');
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= std::min(bytes, static_cast<std::size_t>(got));
  }
}

void Descriptor::resize(std::uint64_t bytes) {
  BATON_REQUIRE(ftruncate(file_, static_cast<off_t>(bytes)) == 0, "{}: writing failed: {}", shown_,
                std::strerror(errno));
}

void Descriptor::sync() {
  BATON_REQUIRE(fsync(file_) == 0, "{}: writing failed: {}", shown_, std::strerror(errno));
}

void Descriptor::close() {
  // Linux gives the number back whatever the answer, EINTR among them.
  BATON_REQUIRE(::close(std::exchange(file_, -1)) == 0 || errno == EINTR, "{}: writing failed: {}", shown_,
                std::strerror(errno));
}

OutputFile::OutputFile(const std::string& path)
    : path_(path),
      target_(linked_file(path)),
      temporary_(is_stream(path) ? "" : temporary_name(target_)),
      file_(temporary_.empty() ? Descriptor(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, path)
                               : Descriptor(temporary_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, path)) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::commit() {
  if (!temporary_.empty()) file_.sync();
  file_.close();
  if (temporary_.empty()) return;
  BATON_REQUIRE(rename(temporary_.c_str(), target_.c_str()) == 0, "{}: cannot be written: {}", path_,
                std::strerror(errno));
  temporary_.clear();
  sync_folder(folder_of(target_), path_);
}

void write_text_atomic(const std::string& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

void sync_folder(const std::string& folder, const std::string& shown) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some file systems sync no folders and say EINVAL.
  const bool good = file >= 0 && (fsync(file) == 0 || errno == EINVAL);
  const int why = errno;
  if (file >= 0) ::close(file);
  BATON_REQUIRE(good, "{}: writing failed: {}", shown, std::strerror(why));
}

void sync_tree(const std::string& folder) {
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path();
    const auto kind = entry->symlink_status(error).type();
    if (error) break;
    if (kind == fs::file_type::directory) sync_folder(path, path);
    if (kind != fs::file_type::regular) continue;
    Descriptor file(path, O_RDONLY | O_NOFOLLOW, path);
    file.sync();
  }
  BATON_REQUIRE(!error, "{}: cannot be listed: {}", folder, error.message());
  sync_folder(folder, folder);
}

std::string read_text(const std::string& path) {
  BATON_REQUIRE(fs::is_regular_file(path), "{}: no such file", path);
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  BATON_REQUIRE(stream.good() && !text.fail(), "{}: cannot be read", path);
  return text.str();
}

}  // namespace baton::rl
