// baton: relay policy learning. The subcommands are listed in cli/command.hpp; this file parses, runs and reports.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/interrupt.hpp"
#include "cli/streams.hpp"
#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "rl/run/progress.hpp"

namespace baton::cli {
namespace {

int report(const std::string& message, int code) {
  note("baton: " + message);
  return code;
}

std::string chosen_name(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : " " + chosen.front()->get_name();
}

// The parser itself would only miss a command, without a word about the one that was given.
void require_command(const CLI::App& app, const std::string& given) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), given) != names.end()) return;
  throw UsageError(
      fmt::format("no command '{}'{} (see baton --help)", printable(given), suggestion(given, names)));
}

int run(int argc, char** argv) {
  CLI::App app{
      "Relay policy learning: goal-conditioned imitation and reinforcement learning on a simulated kitchen.",
      "baton"};
  app.set_version_flag("--version", "baton 0.1.0");
  app.require_subcommand(1);
  app.footer(
      "baton COMMAND --help says more. Exit codes: 0 done, 2 wrong use, 1 anything else, "
      "128 + N ended by signal N.");
  app.get_formatter()->column_width(34);
  invocation().argv.assign(argv, argv + argc);
  Registry registry{app, {}};
  add_demo(registry);
  add_collect(registry);
  add_imitate(registry);
  add_finetune(registry);
  add_distill(registry);
  add_eval(registry);
  add_simulate(registry);
  add_testspeed(registry);
  add_info(registry);
  if (argc > 1 && argv[1][0] != '-') require_command(app, argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      app.exit(e);
      flush_output();
      return 0;
    }
    return report(fmt::format("{} (see baton{} --help)", e.what(), chosen_name(app)), 2);
  }
  catch_interrupts();
  registry.action();
  flush_output();
  return 0;
}

}  // namespace

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads to use; 0: all cores. Results do not depend on it")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

}  // namespace baton::cli

int main(int argc, char** argv) {
  using baton::cli::report;
  baton::cli::prepare_streams();
  try {
    return baton::cli::run(argc, argv);
  } catch (const baton::rl::Interrupted& e) {
    return report(e.what(), 128 + baton::cli::interrupted());
  } catch (const baton::UsageError& e) {
    return report(e.what(), 2);
  } catch (const std::bad_alloc&) {
    return report("out of memory", 1);
  } catch (const std::exception& e) {
    return report(e.what(), 1);
  }
}
