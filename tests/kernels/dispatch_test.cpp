#include "kernels/dispatch.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#if defined(__linux__)
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#endif

#include "kernels/error.hpp"

namespace baton::kernels {

TEST_CASE("the set that BATON_ISA names is the one that runs") {
  const char* named = std::getenv("BATON_ISA");
  if (named != nullptr && *named != '\0') CHECK(isa_name(current_isa()) == doctest::String(named));
}

#if defined(__linux__)
TEST_CASE("BATON_ISA=base runs, and a set that nobody knows is refused by name") {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  // The choice is made once per process: the case above, in a process of its own.
  const auto output_under = [&](const std::string& isa, int* code) {
    const std::string command =
        "BATON_ISA=" + isa + " '" + program + "' --no-colors=true -tc='the set that BATON_ISA*' 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    const int status = pclose(pipe);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
  };
  int code = -1;
  const std::string base = output_under("base", &code);
  CHECK_MESSAGE(code == 0, base);
  CHECK_MESSAGE(base.find("assertions: 1 | 1 passed") != std::string::npos, base);
  const std::string nonsense = output_under("nonsense", &code);
  CHECK(code == 1);
  CHECK_MESSAGE(
      nonsense.find("BATON_ISA=nonsense: unknown instruction set, known are base, avx2, avx512, amx") !=
          std::string::npos,
      nonsense);
}
#endif

TEST_CASE("the base set is always there, and sets that are missing are refused") {
  CHECK(isa_available(0));
  CHECK(isa_name(0) == doctest::String("base"));
  CHECK(isa_available(current_isa()));
  CHECK_THROWS_AS(set_isa(isa_count()), Error);
  CHECK_THROWS_AS(set_isa(-1), Error);
}

TEST_CASE("a set whose vectors are another's is there only with it") {
  for (int isa = 0; isa < isa_count(); ++isa) {
    int of_vectors = 0;
    while (doctest::String(isa_name(of_vectors)) != isa_vectors(isa)) ++of_vectors;
    CHECK((!isa_available(isa) || isa_available(of_vectors)));
    CHECK(doctest::String(isa_vectors(of_vectors)) == isa_vectors(isa));
  }
}

TEST_CASE("a thread's buffer is aligned, kept, and grows") {
  void* small = thread_buffer(100);
  CHECK(reinterpret_cast<std::uintptr_t>(small) % 64 == 0);
  CHECK(thread_buffer(50) == small);
  CHECK(reinterpret_cast<std::uintptr_t>(thread_buffer(1 << 20)) % 64 == 0);
}

}  // namespace baton::kernels
