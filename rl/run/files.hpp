#pragma once
// The one place that writes files. Every call to the system is looked at, to the end: write, fsync of the file, close,
// rename, fsync of the folder. A failure throws baton::Error, "PATH: writing failed: REASON".
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace baton::rl {

// Whether something other than a file or a folder stands there: a pipe or a device, which is written to and never
// replaced.
bool is_stream(const std::string& path);

// The file that a symbolic link names; what is no link, or leads nowhere, unchanged.
std::string linked_file(const std::string& path);

// Absolute, without '.', '..' and a slash at the end, so that names beside it are not names inside it.
std::filesystem::path tidy_path(const std::filesystem::path& path);

// `path` as seen from the folder `from`: what a run says about its inputs stays true when both move together.
std::string relative_to(const std::string& from, const std::string& path);

// PATH.baton-<16 hex digits>, 64 bits from the kernel: beside PATH, and not to be guessed, so that nothing can be
// planted there.
std::string temporary_name(const std::string& path);

// Whether the name `entry` is one that temporary_name makes for the name `name` (both without their folder).
bool is_temporary_of(std::string_view entry, std::string_view name);

// An open descriptor. Errors name `shown`.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, std::string shown);  // O_CLOEXEC is added
  ~Descriptor();                                                      // closes without a look
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;

  // All of it, however many calls that takes. A pipe opened with O_NONBLOCK is waited for: a minute without a reader's
  // progress is an error, a signal that is handled meanwhile throws Interrupted.
  void write(std::string_view bytes);
  // The same at a place of a regular file; what lies between is zeros. Reads zeros beyond the end.
  void write_at(std::uint64_t offset, std::string_view bytes);
  void read_at(std::uint64_t offset, char* to, std::size_t bytes) const;
  void resize(std::uint64_t bytes);
  void sync();
  void close();

 private:
  template <class Some>
  void write_all(std::string_view bytes, const Some& some);
  int file_ = -1;
  std::string shown_;
};

// A file in the making, under a temporary name until commit(): what stood under the name before stays whole until
// then. Destroyed without commit(), the temporary is removed. A stream is written as it is; links stay.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes) { file_.write(bytes); }
  Descriptor& file() { return file_; }  // for places: not of a stream
  void commit();

 private:
  std::string path_, target_, temporary_;  // as given; the file to replace; where it grows (a stream: empty)
  Descriptor file_;
};

// OutputFile in one call.
void write_text_atomic(const std::string& path, std::string_view text);

// The names in the folder survive a loss of power from here on; errors name `shown`.
void sync_folder(const std::string& folder, const std::string& shown);

// The same for everything in it, at any depth, and for what the files hold.
void sync_tree(const std::string& folder);

std::string read_text(const std::string& path);  // throws naming the path

}  // namespace baton::rl
