#pragma once
// How subcommands meet main: each add_*() declares its options on the parser and leaves what it does in
// `Registry::action`, which main runs after parsing. One subcommand, one file: <name>_command.cpp.
//
// Exit codes: 0 done, 2 wrong use (CLI::ParseError, UsageError), 128 + N ended by signal N, 1 anything else. An action
// reports failure only by throwing; main turns what was thrown into one line on stderr.
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace baton::cli {

struct Registry {
  CLI::App& app;
  std::function<void()> action;
};

void add_demo(Registry& registry);
void add_collect(Registry& registry);
void add_imitate(Registry& registry);
void add_finetune(Registry& registry);
void add_distill(Registry& registry);
void add_eval(Registry& registry);
void add_simulate(Registry& registry);
void add_testspeed(Registry& registry);
void add_info(Registry& registry);

// "--threads N" (0: all cores), the same for all commands.
void add_threads(CLI::App& command, int& threads);

}  // namespace baton::cli
