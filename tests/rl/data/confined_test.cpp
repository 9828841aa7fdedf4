// What a child may do to us, whatever the library in it does: nothing but one error.
#include "rl/data/confined.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/sanitizers.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

// What the parent is told when the child does `act` with the first request.
std::string told(const std::function<void(ConfinedChild&)>& act, std::size_t wanted = 16) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_text_atomic(path, "bytes");
  const OutsideFile file(path, "a file");
  const std::string message = error_of([&] {
    Confined child(path, file, [&](ConfinedChild& self) {
      self.request();
      act(self);
    });
    child.ask("go");
    std::vector<char> bytes(wanted);
    child.answer_into(bytes.data(), bytes.size());
  });
  CHECK(message.starts_with(path + ": "));
  CHECK(message.find('\n') == std::string::npos);
  return message.substr(std::min(path.size() + 2, message.size()));
}

// Runs `look` in the child and gives what it answers.
int seen(const std::function<int(ConfinedChild&)>& look) {
  const test::TemporaryFolder folder;
  write_text_atomic(folder.file("a"), "bytes");
  const OutsideFile file(folder.file("a"), "a file");
  Confined child(folder.file("a"), file, [&](ConfinedChild& self) {
    self.request();
    const int value = look(self);
    self.answer(&value, sizeof(value));
    self.request();
  });
  int value = -1;
  child.ask("go");
  child.answer_into(&value, sizeof(value));
  return value;
}

int open_descriptors() {
  int count = 0;
  for (int i = 3; i < 1000; ++i) count += fcntl(i, F_GETFD) >= 0;
  return count;
}

}  // namespace

TEST_CASE("confined: a crash, an exit and a loop without end are one line each") {
  for (const int one : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGKILL}) {
    CHECK(told([&](ConfinedChild&) { raise(one); }) ==
          fmt::format("damaged (the reader ended with signal {})", one));
  }
  CHECK(told([](ConfinedChild&) { _exit(3); }) == "damaged (the reader ended with exit status 3)");
  CHECK(told([](ConfinedChild&) {}) == "damaged (the reader ended with exit status 0)");
  CHECK(told([](ConfinedChild& self) {
          self.grant(0, 0);
          for (std::atomic<int> i = 0;; ++i) {
          }
        }) == "damaged (reading it does not come to an end)");
}

TEST_CASE("confined: a child that closes its socket and goes on is ended") {
  CHECK(contains(told([](ConfinedChild&) {
                   for (int i = 3; i < 10; ++i) close(i);
                   while (true) pause();
                 }),
                 "damaged (the reader ended with"));
}

TEST_CASE("confined: answers that are too long, empty, broken off or no answers are refused") {
  const std::string text(100, 'x');
  CHECK(contains(told([&](ConfinedChild& self) { self.answer(text.data(), 17); }),
                 "answered with 17 bytes, at most 16"));
  CHECK(contains(told([&](ConfinedChild& self) { self.answer(text.data(), 0); }), "empty part"));
  CHECK(contains(told([&](ConfinedChild& self) { self.answer(text.data(), 15); }), "exit status 0"));
  CHECK(contains(told([&](ConfinedChild&) { (void)!write(4, text.data(), text.size()); }), "damaged"));
  CHECK(told([](ConfinedChild& self) {
          self.answer("12345678", 8);
          self.refuse("row 3\n\x1b[31m is wrong");
        }) == "row 3\\x0a\\x1b[31m is wrong");
  CHECK(told([](ConfinedChild& self) { self.refuse(std::string(100000, 'x')); }).size() < 2100);
  CHECK(told([](ConfinedChild&) { fail("thrown"); }) == "thrown");
}

TEST_CASE("confined: memory ends where it was granted") {
#if !BATON_ADDRESSES_SEEN && !BATON_RACES_SEEN
  CHECK(contains(told([](ConfinedChild& self) {
                   self.grant(0, 0);
                   const std::vector<char> much(std::size_t{400} << 20);
                   self.answer(much.data(), 16);
                 }),
                 "more memory"));
#endif
  CHECK(seen([](ConfinedChild& self) {
          self.grant(std::uint64_t{400} << 20, 0);
          const std::vector<char> much(std::size_t{400} << 20);
          return static_cast<int>(much.size() >> 20);
        }) == 400);
}

TEST_CASE("confined: the child has the file and a socket, and opens nothing once it is sealed") {
  const int ours = open("/", O_RDONLY | O_DIRECTORY);
  REQUIRE(ours >= 0);
  CHECK(seen([](ConfinedChild&) { return open_descriptors(); }) == 2);
  CHECK(seen([](ConfinedChild& self) {
          self.seal();
          return open("/", O_RDONLY | O_DIRECTORY) < 0 ? errno : 0;
        }) == EMFILE);
  // Nothing is written: not into the file, nor anywhere.
  CHECK(seen([](ConfinedChild& self) { return write(self.file(), "x", 1) < 0 ? errno : 0; }) == EBADF);
  CHECK(seen([](ConfinedChild&) {
          const int made = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
          if (made < 0) return EFBIG;  // a file system without unnamed files
          signal(SIGXFSZ, SIG_IGN);
          return write(made, "x", 1) < 0 ? errno : 0;
        }) == EFBIG);
  close(ours);
}

TEST_CASE("confined: no process and no descriptor is left, from many threads at once") {
  const int before = open_descriptors();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) right += seen([&](ConfinedChild&) { return i; }) == i;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 40);
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("outside: text to print is one line of what can be printed") {
  CHECK(printable("kettle_slide é漢😀") == "kettle_slide é漢😀");
  CHECK(printable("a\x1b[31m\n\x7f") == "a\\x1b[31m\\x0a\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");             // C1: the terminal's other escape
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // turns the direction of writing
  CHECK(printable("\xc0\x80 \xed\xa0\x80 \xff \xf4\x90\x80\x80 \xe2\x82") ==
        "\\xc0\\x80 \\xed\\xa0\\x80 \\xff \\xf4\\x90\\x80\\x80 \\xe2\\x82");  // no UTF-8
  CHECK(printable(std::string(100, 'x')) == std::string(80, 'x') + "...");
  CHECK(printable(std::string(100, '\1')).size() <= 83);
  CHECK(is_printable("microwave_kettle"));
  CHECK_FALSE(is_printable("micro\twave"));
}

TEST_CASE("outside: only regular files are opened, and nothing is waited for") {
  const test::TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const auto refused = [](const std::string& path) { return error_of([&] { OutsideFile(path, "a log"); }); };
  CHECK(refused(pipe) == pipe + ": not a file but a pipe; a log is expected");
  CHECK(refused("/dev/null") == "/dev/null: not a file but a device; a log is expected");
  CHECK(refused(folder.path) == folder.path + ": not a file but a directory; a log is expected");
  CHECK(refused(folder.file("none")) == folder.file("none") + ": no such file");
}
