#include "tests/cli/process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace baton::test {
namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const auto& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

// In the child, before the program: system calls only.
void arrange(const Circumstances& circumstances, const std::string& out, const std::string& err) {
  const int in = open("/dev/null", O_RDONLY);
  const int to = open(out.c_str(), O_WRONLY | O_CREAT, 0600),
            log = open(err.c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(in, 0), dup2(to, 1), dup2(log, 2);
  for (const int file : {in, to, log})
    if (file > 2) close(file);
  for (const int file : circumstances.closed) close(file);
  // A shell that started the tests in the background has these ignored.
  for (const int number : {SIGINT, SIGQUIT, SIGHUP}) std::signal(number, SIG_DFL);
  if (circumstances.ignored != 0) std::signal(circumstances.ignored, SIG_IGN);
  if (circumstances.file_limit >= 0) {
    const rlimit limit{static_cast<rlim_t>(circumstances.file_limit),
                       static_cast<rlim_t>(circumstances.file_limit)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
}

}  // namespace

std::string binary() {
  const char* given = std::getenv("BATON_BINARY");
  return given != nullptr ? given : BATON_DEFAULT_BINARY;
}

Outcome run_baton(const std::vector<std::string>& arguments, const Circumstances& circumstances) {
  const std::string program = binary();
  const TemporaryFolder folder;
  const std::string out = circumstances.out.empty() ? folder.file("out") : circumstances.out;
  const std::string err = circumstances.err.empty() ? folder.file("err") : circumstances.err;
  std::vector<std::string> words{program}, environment = circumstances.environment;
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  std::vector<char*> argv = pointers(words), env = pointers(environment);

  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    arrange(circumstances, out, err);
    execve(program.c_str(), argv.data(), env.data());
    _exit(126);
  }
  if (circumstances.signal != 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(circumstances.after_us));
    kill(child, circumstances.signal);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code == 126) throw std::runtime_error("cannot run " + program);
  const auto kept = [](const std::string& given_name, const std::string& path) {
    return given_name.empty() ? read_file(path) : std::string();
  };
  return {code, kept(circumstances.out, out), kept(circumstances.err, err)};
}

Outcome run_baton(const std::vector<std::string>& arguments, int interrupt_after_ms) {
  Circumstances circumstances;
  circumstances.signal = interrupt_after_ms > 0 ? SIGINT : 0;
  circumstances.after_us = std::int64_t{1000} * interrupt_after_ms;
  return run_baton(arguments, circumstances);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "baton-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string TemporaryFolder::listing() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

}  // namespace baton::test
