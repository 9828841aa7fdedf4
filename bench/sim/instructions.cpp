// The instructions of a tile's step in the kitchen under random actions, one by one: a child process is single-stepped
// through kCounted steps of one tile, float lanes of the best instruction set (BATON_ISA forces one).
//
//   sim_instructions      prints a line "ADDRESS COUNT" for every instruction reached, hexadecimal, relative to the
//                         executable's start; bench/sim/instructions.py says what they are
#include <fmt/format.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <map>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/sim/random_actions.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

extern "C" const char __executable_start;

namespace {

using namespace baton;
using namespace baton::sim;

constexpr int kCounted = 10, kActionsBefore = 30;

// Traced between its two stops.
[[noreturn]] void run_child() {
  kernels::set_threads(1);
  Batch batch(envs::kitchen_model(), 16);
  for (int action = 0; action < kActionsBefore; ++action) {
    act_randomly(batch, 3, action);
    batch.step(kActionSteps);
  }
  BATON_REQUIRE(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0,
                "sim_instructions: ptrace is not allowed here");
  raise(SIGSTOP);
  batch.step(kCounted);
  raise(SIGSTOP);
  _exit(0);
}

}  // namespace

int main() {
#if defined(__x86_64__)
  const pid_t child = fork();
  if (child == 0) run_child();
  int status = 0;
  std::map<std::uint64_t, std::uint64_t> counts;
  user_regs_struct registers;
  std::uint64_t before = 0;
  const auto start = reinterpret_cast<std::uint64_t>(&__executable_start);
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return 1;
  while (true) {
    ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) break;
    ptrace(PTRACE_GETREGS, child, nullptr, &registers);
    if (registers.rip == before) continue;  // a repeated string instruction stops once for every item
    before = registers.rip;
    ++counts[registers.rip - start];
  }
  kill(child, SIGKILL);
  for (const auto& [address, count] : counts) fmt::print("{:x} {}\n", address, count);
#else
  fmt::print(stderr, "skipped: counts the instructions of x86-64 only\n");
#endif
}
