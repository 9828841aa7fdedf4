#include "tests/cli/writing_commands.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

namespace baton::test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

const char* const kModel = R"(<mujoco model="pendulum"><worldbody><body name="arm" pos="0 0 1">
<joint name="swing" type="hinge" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.04"/>
</body></worldbody></mujoco>
)";
const std::string kGoal = "left_top";

// Settings of the smallest runs of every command.
const char* const kSettings =
    "env = \"point_goal\"\n"
    "[collect]\nepisodes = 4\n"
    "[policy]\nhidden = [8]\n"
    "[imitate]\nupdates = 4\nbatch = 16\n"
    "[finetune]\niterations = 1\nepisodes = 2\neval_episodes = 1\n"
    "[distill]\nupdates = 4\nepisodes = 2\n"
    "[eval]\nepisodes = 1\ngoals = \"left_top\"\n"
    "[demo]\ngoals = \"left_top\"\nseeds = 1\n";

// metrics.jsonl and run.json tell how long it took; run.json where it was written and how.
Contents timeless(Contents contents) {
  static const std::regex time("\"seconds(_[a-z]+)?\": ?[^,}]*"), called("\"argv\": \\[[^\\]]*\\]"),
      started("\"started\": \"[^\"]*\"");
  for (auto& [name, bytes] : contents) {
    if (!name.ends_with("metrics.jsonl") && !name.ends_with("run.json")) continue;
    for (const std::regex& part : {time, called, started}) bytes = std::regex_replace(bytes, part, "");
  }
  return contents;
}

void check_works(const Arguments& arguments) {
  Circumstances quick;
  quick.environment = with_shim();
  const Outcome outcome = run_baton(arguments, quick);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
}

Arguments with_preset(Arguments arguments, const std::string& preset, int seed) {
  for (const std::string& word : Arguments{"--force", "--preset", preset, "--threads", "1", "--seed"})
    arguments.push_back(word);
  arguments.push_back(std::to_string(seed));
  return arguments;
}

std::vector<WritingCommand> list_commands(const TemporaryFolder& inputs) {
  const std::string demos = inputs.file("demos.h5"), ril = inputs.file("ril"), tuned = inputs.file("tuned"),
                    model = inputs.file("m.xml"), settings = inputs.file("settings.toml");
  write_file(model, kModel);
  write_file(settings, kSettings);
  const auto with_settings = [=](const Arguments& arguments, int seed) {
    return with_preset(arguments, settings, seed);
  };
  const auto collect = [=](const std::string& out, int seed) {
    return with_settings({"collect", "--out", out}, seed);
  };
  const auto imitate = [=](const std::string& out, int seed) {
    return with_settings({"imitate", "--demos", demos, "--out", out}, seed);
  };
  const auto finetune = [=](const std::string& out, int seed) {
    return with_settings({"finetune", "--init", ril, "--goal", kGoal, "--variant", "npg", "--out", out},
                         seed);
  };
  check_works(collect(demos, 1));
  check_works(imitate(ril, 1));
  check_works(finetune(tuned, 1));
  return {
      {"collect", collect, {}, {}},
      {"imitate", imitate, {}, {}},
      {"finetune", finetune, {}, {}},
      {"distill",
       [=](const std::string& out, int seed) {
         return with_settings({"distill", "--from", tuned, "--out", out}, seed);
       },
       {},
       {}},
      {"eval",
       [=](const std::string& out, int seed) {
         return Arguments{"eval",       "--policy",           ril,         "--goals", kGoal,
                          "--episodes", std::to_string(seed), "--threads", "1",       "--json",
                          out};
       },
       {},
       {}},
      {"simulate",
       [=](const std::string& out, int seed) {
         return Arguments{"simulate", model, "--steps", std::to_string(20 * seed), "--out", out};
       },
       {},
       {}},
      {"testspeed",
       [=](const std::string& out, int seed) {
         return Arguments{"testspeed", model,    "--envs", std::to_string(seed), "--steps", "5", "--threads",
                          "1",         "--json", out};
       },
       {},
       {}},
      {"demo",
       [=](const std::string& out, int seed) {
         return with_settings({"demo", "--out", out}, seed);
       },
       {},
       {}},
  };
}

}  // namespace

std::vector<std::string> with_shim() {
  return {"LD_PRELOAD=" BATON_FAULT_SHIM, "ASAN_OPTIONS=verify_asan_link_order=0"};
}

Contents contents_of(const std::string& path) {
  Contents contents;
  if (fs::is_regular_file(path)) contents[""] = read_file(path);
  if (!fs::is_directory(path)) return contents;
  contents["/"];
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    const std::string name = entry.path().lexically_relative(path);
    if (name.ends_with(".baton-lock")) continue;
    if (entry.is_directory()) {
      contents[name + "/"];
    } else {
      contents[name] = read_file(entry.path());
    }
  }
  return contents;
}

bool WritingCommand::is_made(const Contents& contents) const {
  if (name != "testspeed") return timeless(contents) == timeless(made);
  if (contents.size() != 1) return false;
  const auto report = nlohmann::json::parse(contents.begin()->second, nullptr, false);
  return report.is_object() && report.contains("steps_per_second") && report["envs"] == 2;
}

const std::vector<WritingCommand>& writing_commands() {
  static const TemporaryFolder inputs;
  static const std::vector<WritingCommand> commands = [] {
    std::vector<WritingCommand> list = list_commands(inputs);
    for (WritingCommand& command : list) {
      const TemporaryFolder folder;
      check_works(command.arguments(folder.file("out"), 1));
      command.old = contents_of(folder.file("out"));
      const auto start = std::chrono::steady_clock::now();
      check_works(command.arguments(folder.file("out"), 2));
      command.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      command.made = contents_of(folder.file("out"));
      REQUIRE(command.old != command.made);
      REQUIRE(command.is_made(command.made));
      REQUIRE(folder.listing() == "out");
    }
    return list;
  }();
  return commands;
}

void put(const Contents& contents, const std::string& path) {
  fs::remove_all(path);
  for (const auto& [name, bytes] : contents)
    if (name.ends_with('/')) fs::create_directories(path + "/" + name);
  for (const auto& [name, bytes] : contents)
    if (!name.ends_with('/')) write_file(name.empty() ? path : path + "/" + name, bytes);
}

std::string leftovers(const std::string& out) {
  std::string names;
  for (const auto& entry : fs::directory_iterator(fs::path(out).parent_path())) {
    const std::string name = entry.path().filename();
    if (name.find(".baton-") != std::string::npos) names += (names.empty() ? "" : " ") + name;
  }
  return names;
}

int number_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && std::atoi(text) > 0 ? std::atoi(text) : otherwise;
}

}  // namespace baton::test
