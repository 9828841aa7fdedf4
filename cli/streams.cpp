#include "cli/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "kernels/error.hpp"

namespace baton::cli {

void prepare_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    // The lowest free number, which is this one.
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) _exit(1);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void note(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  for (char& c : line)
    if (const auto byte = static_cast<unsigned char>(c); byte < 32 || byte == 127) c = c == '\n' ? ' ' : '?';
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void flush_output() {
  const bool good = std::cout.flush().good();
  BATON_REQUIRE(std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && good,
                "standard output cannot be written: {}", std::strerror(errno));
}

}  // namespace baton::cli
