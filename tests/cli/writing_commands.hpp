#pragma once
// Every command that writes, at its smallest, and what its output is worth after something went wrong.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/cli/process.hpp"

namespace baton::test {

// Relative path -> bytes, of a file ("") or a folder; folders end in '/'. Empty where nothing is. Lock files, which
// hold nothing, are left out.
using Contents = std::map<std::string, std::string>;
Contents contents_of(const std::string& path);

struct WritingCommand {
  std::string name;
  std::function<std::vector<std::string>(const std::string& out, int seed)> arguments;
  Contents old, made;  // what seeds 1 and 2 write
  double seconds = 0;  // of an undisturbed run

  // The whole output of seed 2: its very bytes, but for figures that are times.
  bool is_made(const Contents& contents) const;
};

// With old and made filled in; made once.
const std::vector<WritingCommand>& writing_commands();

// Beside the program: the shim, which without more changes nothing but that no disk is waited for.
std::vector<std::string> with_shim();

void put(const Contents& contents, const std::string& path);  // nothing else is there then

// Names beside `out` that are temporary ones of the program, "a b c".
std::string leftovers(const std::string& out);

// A positive whole number from the environment, or `otherwise`.
int number_from(const char* variable, int otherwise);

}  // namespace baton::test
