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
#include "envs/names.hpp"
#include "rl/policy/checkpoint.hpp"
#include "rl/run/metrics.hpp"

namespace baton::cli {
namespace {

struct Options {
  std::string out = "runs/demo";
  SettingsOptions settings;
};

// Figures of the paper: table 1 and figure 6, means over its 17 goals.
struct Published {
  double success = -1, step_completion = -1;  // percent, 0..4
};

struct Row {
  std::string method, goals;
  rl::GoalResult ours;
  Published paper;
};

class Demo {
 public:
  Demo(const rl::Config& config, std::string out) : config_(config), out_(std::move(out)) {}

  // Returns the table that ends it.
  std::string run() {
    note("1/5 demonstrations of the scripted operator");
    data_ = collect_step(config_, true);
    rl::write_dataset(data_, file("demos.h5"));
    imitate_all();
    finetune_all();
    distill_all();
    return report();
  }

 private:
  std::string file(const std::string& name) const { return out_ + "/" + name; }

  rl::Evaluation evaluate(const rl::RelayPolicy& policy, const std::string& name,
                          const std::string& goals) const {
    EvalStep step;
    step.policy_name = name;
    step.env = config_.env;
    step.goals = goals;
    step.episodes = config_.eval.episodes;
    step.batch = config_.eval.envs;
    step.noise_ratio = config_.noise_ratio;
    step.seed = config_.eval.seed;
    const rl::Evaluation evaluation = eval_step(policy, step);
    rl::write_text_atomic(file("eval_" + name + ".json"), rl::to_json(evaluation).dump(2) + "\n");
    return evaluation;
  }

  void imitate_all() {
    const std::vector<std::pair<std::string, Published>> methods{
        {"ril", {21.7, 2.4}}, {"gcbc", {8.8, 2.2}}, {"bc", {7.6, 1.78}}};
    note("2/5 imitation, evaluated on seeds that training never saw");
    for (const auto& [method, paper] : methods) {
      const rl::RelayPolicy policy = imitate_step(config_, data_, method, file(method));
      const rl::Evaluation evaluation = evaluate(policy, method, config_.eval.goals);
      rows_.push_back(
          {upper(method), fmt::format("{} goals", evaluation.goals.size()), evaluation.mean, paper});
      if (method == "ril") ril_ = evaluation;
    }
  }

  // The two goals on which RIL gets farthest without being reliable: fine-tuning a low level under a frozen high level
  // improves what its start does at least sometimes.
  std::vector<std::string> promising() const {
    std::vector<rl::GoalResult> open;
    for (const rl::GoalResult& goal : ril_.goals)
      if (goal.success < 0.8) open.push_back(goal);
    std::stable_sort(open.begin(), open.end(), [](const rl::GoalResult& a, const rl::GoalResult& b) {
      return a.step_completion > b.step_completion;
    });
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min<std::size_t>(2, open.size()); ++i) names.push_back(open[i].name);
    return names;
  }

  void finetune_all() {
    const auto names = config_.demo.goals == "auto" ? promising() : envs::split_names(config_.demo.goals);
    note(fmt::format("3/5 fine-tuning on {} goals", names.size()));
    std::vector<rl::GoalResult> before, after;
    for (const std::string& goal : names) {
      const std::string out = file("finetune_" + goal);
      finetune_step(config_, {file("ril"), goal, &data_, out});
      tuned_.push_back(out);
      tuned_goals_.push_back(goal);
      for (const rl::GoalResult& result : ril_.goals) {
        if (result.name == goal) before.push_back(result);
      }
      after.push_back(evaluate(rl::load_policy(out), "finetune_" + goal, goal).mean);
    }
    const std::string goals = fmt::format("{} fine-tuned", names.size());
    if (before.size() == after.size())
      rows_.push_back({"RIL, before", goals, rl::mean_over_goals(before), {}});
    rows_.push_back(
        {upper(config_.finetune.variant) + "-RPL", goals, rl::mean_over_goals(after), published_variant()});
  }

  void distill_all() {
    note("4/5 distillation into one policy");
    DistillStep step;
    step.from = tuned_;
    step.start = file("ril");
    step.demos = &data_;
    step.out = file("distilled");
    const rl::RelayPolicy policy = distill_step(config_, step);
    const rl::Evaluation evaluation =
        evaluate(policy, "distilled", fmt::format("{}", fmt::join(tuned_goals_, ",")));
    rows_.push_back(
        {"RPL, distilled", fmt::format("{} fine-tuned", tuned_.size()), evaluation.mean, {70, 3.28}});
  }

  std::string report() const {
    note("5/5 results");
    Table table({"method", "goals", "success %", "steps (of 4)", "success at end %", "paper: success %",
                 "paper: steps"});
    nlohmann::ordered_json methods = nlohmann::ordered_json::array();
    for (const Row& row : rows_) {
      const bool known = row.paper.success >= 0;
      table.add_row({row.method, row.goals, percent(row.ours.success),
                     fmt::format("{:.2f}", row.ours.step_completion), percent(row.ours.success_final),
                     known ? fmt::format("{:.1f}", row.paper.success) : "-",
                     known ? fmt::format("{:.2f}", row.paper.step_completion) : "-"});
      methods.push_back({{"method", row.method},
                         {"goals", row.goals},
                         {"success", row.ours.success},
                         {"step_completion", row.ours.step_completion},
                         {"success_final", row.ours.success_final}});
    }
    rl::write_summary(out_, {{"command", "demo"},
                             {"env", config_.env},
                             {"seed", config_.seed},
                             {"demonstrations", data_.episodes()},
                             {"methods", methods}});
    return table.text();
  }

  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
  }

  Published published_variant() const {
    if (config_.finetune.variant == "npg") return {76, 3.45};
    if (config_.finetune.variant == "dapg") return {78, 3.5};
    return {82, 3.5};
  }

  rl::Config config_;
  std::string out_;
  rl::Dataset data_;
  rl::Evaluation ril_;
  std::vector<std::string> tuned_, tuned_goals_;
  std::vector<Row> rows_;
};

void demo(const Options& options) {
  const rl::Config config = resolve(options.settings);
  const auto env = envs::make_env(config.env, {});
  env->goals(config.collect.goals);
  env->goals(config.eval.goals);
  if (config.demo.goals != "auto") env->goals(config.demo.goals);
  RunDir run(options.out, RunKind::kDemo);
  rl::write_text_atomic(run.file("config.toml"), rl::to_toml(config));
  const std::string table = Demo(config, run.partial()).run();
  run.commit();
  fmt::print(
      "\n{}\nThe paper's figures are means over 17 goals on the original kitchen, with 400 human "
      "demonstrations.\n"
      "Everything is in {}: demos.h5, one folder for each policy, eval_*.json.\n",
      table, options.out);
}

}  // namespace

void add_demo(Registry& registry) {
  CLI::App& command = *registry.app.add_subcommand(
      "demo", "The whole method: collect, imitate, fine-tune, distill, evaluate; ends with a table");
  auto options = std::make_shared<Options>();
  options->settings.preset = "quick";
  command.add_option("--out", options->out, "Folder for everything it makes")->capture_default_str();
  add_settings(command, options->settings);
  command.footer(
      "Examples:\n"
      "  baton demo\n"
      "  baton demo --out runs/full --preset full --seed 2");
  command.callback([&registry, options] { registry.action = [options] { demo(*options); }; });
}

}  // namespace baton::cli
