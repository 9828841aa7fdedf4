// baton demo: the whole method, one step after the other, and its figures beside the paper's.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "cli/common.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/steps.hpp"
#include "cli/streams.hpp"
#include "cli/table.hpp"
#include "kernels/names.hpp"
#include "rl/hierarchy.hpp"
#include "rl/methods/method.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string out = "runs/demo";
  bool force = false;
  SettingsOptions settings;
};

// One line of the table: a method, over training seeds.
struct Row {
  std::string name, goals;
  std::vector<rl::GoalResult> seeds;  // means over the goals
  rl::Published paper;
};

// Figures of the paper: figure 6.
constexpr rl::Published kPaperDistilled{.success = 70, .step_completion = 3.28};
rl::Published paper_tuned(rl::Variant variant) {
  switch (variant) {
    case rl::Variant::kNpg:
      return {.success = 76, .step_completion = 3.45};
    case rl::Variant::kDapg:
      return {.success = 78, .step_completion = 3.5};
    case rl::Variant::kIril:
      return {.success = 82, .step_completion = 3.5};
  }
  return {};
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

class Demo {
 public:
  Demo(const rl::Config& config, std::string out) : config_(config), out_(std::move(out)) {}

  // Returns the table that ends it.
  std::string run() {
    note("demonstrations of the scripted operator");
    data_ = collect_step(config_);
    rl::write_dataset(data_, out_ + "/demos.h5");
    for (int k = 0; k < config_.demo.seeds; ++k) {
      rl::Config seeded = config_;
      seeded.seed = config_.seed + static_cast<std::uint64_t>(k);
      note(fmt::format("training seed {} of {}: imitation, fine-tuning on {} goals, distillation", k + 1,
                       config_.demo.seeds, goals().size()));
      train(seeded, fmt::format("{}/seed_{}", out_, seeded.seed));
    }
    return report();
  }

 private:
  // What is fine-tuned: fixed before anything is trained.
  std::vector<std::string> goals() const {
    if (!config_.demo.goals.empty()) return split_names(config_.demo.goals);
    const auto all = rl::make_env(config_.env, 1)->goals(config_.eval.goals);
    std::vector<std::string> ends{all.front().name};
    if (all.size() > 1) ends.push_back(all.back().name);
    return ends;
  }

  // The whole method with one training seed, in `folder`.
  void train(const rl::Config& config, const std::string& folder) {
    rl::prepare_directory(folder);
    std::vector<rl::GoalResult> before;
    for (const rl::Method* method : rl::methods()) {
      if (!method->in_demo) continue;
      rl::Config own = config;
      own.method = method;
      const std::string name(method->name);
      const auto agent = imitate_step(own, demos(), folder + "/" + name);
      const rl::Evaluation evaluation = evaluate(*agent, name, config.eval.goals, folder);
      add_row(upper(name), fmt::format("{} goals", evaluation.goals.size()), evaluation.mean,
              method->published);
      if (method == start_method()) before = evaluation.goals;
    }
    tune(config, folder, before);
  }

  Demos demos() const { return {&data_, {out_ + "/demos.h5"}}; }

  // What fine-tuning starts from.
  static const rl::Method* start_method() { return rl::methods().front(); }

  void tune(const rl::Config& config, const std::string& folder,
            const std::vector<rl::GoalResult>& evaluated) {
    const std::string start = folder + "/" + std::string(start_method()->name);
    const std::vector<std::string> names = goals();
    std::vector<std::string> tuned;
    std::vector<rl::GoalResult> before, after;
    for (const std::string& goal : names) {
      tuned.push_back(folder + "/finetune_" + goal);
      finetune_step(config, {start, goal, demos(), tuned.back()});
      for (const rl::GoalResult& result : evaluated)
        if (result.name == goal) before.push_back(result);
      after.push_back(evaluate(*rl::load_agent(tuned.back()), "finetune_" + goal, goal, folder).mean);
    }
    DistillStep step;
    step.from = tuned;
    step.start = start;
    step.demos = demos();
    step.out = folder + "/distilled";
    const rl::RelayAgent agent(distill_step(config, step));
    const rl::Evaluation distilled =
        evaluate(agent, "distilled", fmt::format("{}", fmt::join(names, ",")), folder);
    const std::string which = fmt::format("{} fine-tuned", names.size());
    if (before.size() == after.size()) add_row("RIL, before", which, rl::mean_over_goals(before), {});
    const std::string variant(rl::variant_name(config.finetune.variant));
    add_row(upper(variant) + "-RPL", which, rl::mean_over_goals(after), paper_tuned(config.finetune.variant));
    add_row("RPL, distilled", which, distilled.mean, kPaperDistilled);
  }

  rl::Evaluation evaluate(const rl::Agent& agent, const std::string& name, const std::string& goals,
                          const std::string& folder) const {
    EvalStep step;
    step.policy_name = name;
    step.env = config_.env;
    step.goals = goals;
    step.episodes = config_.eval.episodes;
    step.batch = config_.eval.envs;
    step.seed = config_.eval.seed;
    const rl::Evaluation evaluation = eval_step(agent, step);
    rl::write_text_atomic(folder + "/eval_" + name + ".json", rl::to_json(evaluation).dump(2) + "\n");
    return evaluation;
  }

  void add_row(const std::string& name, const std::string& goals, const rl::GoalResult& result,
               const rl::Published& paper) {
    auto row = std::ranges::find(rows_, name, &Row::name);
    if (row == rows_.end()) row = rows_.insert(row, Row{name, goals, {}, paper});
    row->seeds.push_back(result);
  }

  std::string report() const {
    Table table({"method", "goals", "success %", "steps (of 4)", "success at end %", "paper: success %",
                 "paper: steps"});
    nlohmann::ordered_json methods = nlohmann::ordered_json::array();
    for (const Row& row : rows_) {
      const bool known = row.paper.success >= 0;
      const auto over_seeds = [&](double rl::GoalResult::*field) {
        std::vector<double> values;
        for (const rl::GoalResult& seed : row.seeds) values.push_back(seed.*field);
        return rl::mean_and_error(values);
      };
      const rl::MeanError success = over_seeds(&rl::GoalResult::success),
                          steps = over_seeds(&rl::GoalResult::step_completion),
                          at_end = over_seeds(&rl::GoalResult::success_final);
      table.add_row({row.name, row.goals, with_error(success, 100, 1), with_error(steps, 1, 2),
                     with_error(at_end, 100, 1), known ? fmt::format("{:.1f}", row.paper.success) : "-",
                     known ? fmt::format("{:.2f}", row.paper.step_completion) : "-"});
      methods.push_back({{"method", row.name},
                         {"goals", row.goals},
                         {"seeds", row.seeds.size()},
                         {"success", success.mean},
                         {"success_error", success.error},
                         {"step_completion", steps.mean},
                         {"step_completion_error", steps.error},
                         {"success_final", at_end.mean},
                         {"success_final_error", at_end.error}});
    }
    rl::write_summary(out_, {{"command", "demo"},
                             {"env", config_.env.name},
                             {"seed", config_.seed},
                             {"seeds", config_.demo.seeds},
                             {"demonstrations", data_.episodes()},
                             {"finetuned", goals()},
                             {"methods", methods}});
    return table.text();
  }

  rl::Config config_;
  std::string out_;
  rl::Dataset data_;
  std::vector<Row> rows_;
};

void demo(const Options& options) {
  const rl::Config config = resolve(options.settings);
  const auto env = rl::make_env(config.env, 1);
  env->goals(config.collect.goals);
  env->goals(config.eval.goals);
  if (!config.demo.goals.empty()) env->goals(config.demo.goals);
  require_unused(options.out, options.force);
  std::vector<rl::RunInput> inputs;
  add_model(inputs, config.env);
  const rl::Provenance origin = provenance("demo", inputs);
  RunDir run(options.out, RunKind::kDemo);
  rl::write_text_atomic(run.file("config.toml"), rl::to_toml(config));
  const std::string table = Demo(config, run.partial()).run();
  write_run_json(run, options.out, origin);
  run.commit();
  fmt::print(
      "\n{}\nMean and standard error over {} training seeds. The paper's figures are means over 17 goals on "
      "the\noriginal kitchen, with 400 human demonstrations.\n"
      "Everything is in {}: demos.h5, a folder for each seed.\n",
      table, config.demo.seeds, options.out);
}

}  // namespace

void add_demo(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand(
      "demo", "The whole method: collect, imitate, fine-tune, distill, evaluate; ends with a table");
  auto options = std::make_shared<Options>();
  options->settings.preset = "quick";
  command.add_option("--out", options->out, "Folder for everything it makes")->capture_default_str();
  add_force(command, options->force);
  add_environment(command, options->settings.env, true, true);
  add_settings(command, options->settings,
               {"env", "seed", "collect", "policy", "imitate", "finetune", "reward", "npg", "baseline",
                "distill", "eval", "demo"});
  command.footer(
      "Examples:\n"
      "  baton demo\n"
      "  baton demo --out runs/full --preset full --seed 2");
  command.callback([&registry, options] { registry.action = [options] { demo(*options); }; });
}

}  // namespace baton::cli
