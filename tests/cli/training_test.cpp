// The real binary: the chain of learning, from demonstrations to runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "rl/data/demonstrations.hpp"
#include "rl/policy/checkpoint.hpp"
#include "tests/cli/fixture.hpp"
#include "tests/cli/process.hpp"

namespace baton {
namespace {

namespace fs = std::filesystem;
using namespace test;

TEST_CASE("imitate: a run directory is whole, and the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  for (const char* method : {"ril", "gcbc", "bc", "oracle", "nearest"}) {
    for (const char* threads : {"1", "2"}) {
      check_works(Arguments{"imitate", "--demos", point_demos(), "--method", method, "--threads", threads,
                            "--out", folder.file(std::string(method) + threads)} +
                  quick());
    }
    const std::string one = folder.file(std::string(method) + "1"),
                      two = folder.file(std::string(method) + "2");
    CHECK(test::read_file(one + "/summary.json") == test::read_file(two + "/summary.json"));
    CHECK(test::read_file(one + "/config.toml") == test::read_file(two + "/config.toml"));
    CHECK(test::read_file(one + "/summary.json").find("\"method\"") != std::string::npos);
    CHECK(fs::exists(one + "/metrics.jsonl"));
    CHECK(fs::exists(one + "/policy.safetensors"));
    check_works({"eval", "--policy", one, "--episodes", "1"});
  }
  CHECK(folder.listing() == "bc1 bc2 gcbc1 gcbc2 nearest1 nearest2 oracle1 oracle2 ril1 ril2");
  const auto metrics = test::read_file(folder.file("ril1/metrics.jsonl"));
  const auto line = nlohmann::json::parse(metrics.substr(0, metrics.find('\n')));
  CHECK(line["samples"] == 30 * 32);
  CHECK(line["seconds"] > 0);
}

TEST_CASE("an existing output is kept without --force, and replaced with it") {
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run"), demos = folder.file("d.h5");
  const Arguments imitate = Arguments{"imitate", "--demos", point_demos(), "--out", run} + quick();
  check_works(imitate);
  const std::string before = test::read_file(run + "/run.json");
  check_refused(imitate, 2, "--force replaces it");
  check_refused(Arguments{"finetune", "--init", point_policy(), "--goal", "left_top", "--variant", "npg",
                          "--out", run} +
                    quick(),
                2, "--force replaces it");
  check_refused(Arguments{"distill", "--from", point_policy(), "--out", run} + quick(), 2,
                "--force replaces it");
  check_refused(Arguments{"demo", "--out", run} + quick(), 2, "--force replaces it");
  CHECK(test::read_file(run + "/run.json") == before);
  check_works(imitate + Arguments{"--force"});
  CHECK(test::read_file(run + "/run.json") != before);
  const Arguments collect{"collect", "--env", "point_goal", "--episodes", "2", "--out", demos};
  check_works(collect);
  check_refused(collect, 2, "--force replaces it");
  check_works(collect + Arguments{"--force"});
}

// The line of `info` that makes the run again, run without a shell (nothing in it is quoted).
Arguments line_again(const std::string& run) {
  const test::Outcome told = run_baton({"info", run});
  REQUIRE_MESSAGE(told.code == 0, told.err);
  const std::string mark = "made again by: baton ";
  const auto at = told.out.find(mark);
  REQUIRE_MESSAGE(at != std::string::npos, told.out);
  std::istringstream words(told.out.substr(at + mark.size(), told.out.find('\n', at) - at - mark.size()));
  return {std::istream_iterator<std::string>(words), {}};
}

TEST_CASE(
    "run.json: where a run came from; info prints the line that makes its bytes again, or why it would not") {
  const test::TemporaryFolder folder;
  const std::string demos = folder.file("d.h5"), run = folder.file("ril"), tuned = folder.file("ft"),
                    distilled = folder.file("one");
  fs::copy_file(point_demos(), demos);
  check_works(Arguments{"imitate", "--demos", demos, "--method", "gcbc", "--seed", "4", "--out", run} +
              quick());
  check_works(Arguments{"finetune", "--init", run, "--goal", "left_top", "--variant", "dapg", "--demos",
                        demos, "--out", tuned} +
              quick());
  check_works(Arguments{"distill", "--from", tuned, "--demos", demos, "--out", distilled} + quick());
  const auto json = nlohmann::json::parse(test::read_file(run + "/run.json"));
  CHECK(json["program"] == "baton");
  CHECK(json["version"] == "0.1.0");
  CHECK(json["commit"].get<std::string>().size() >= 7);
  CHECK(json["clean"].is_boolean());
  CHECK(json["instruction_set"].is_string());
  CHECK(json["threads"] >= 1);
  CHECK(json["seconds"] > 0);
  CHECK(json["argv"][1] == "imitate");
  REQUIRE(json["inputs"].size() == 2);
  CHECK(json["inputs"][0]["option"] == "--demos");
  CHECK(json["inputs"][0]["path"] == "../d.h5");
  CHECK(json["inputs"][0]["files"][0]["sha256"].get<std::string>().size() == 64);
  CHECK(json["inputs"][1]["option"] == "");  // the preset's file
  for (const std::string& each : {run, tuned, distilled}) {
    CAPTURE(each);
    CHECK(run_baton({"info", each}).out.find("has changed") == std::string::npos);
    check_works(line_again(each));
    for (const char* file : {"summary.json", "config.toml"})
      CHECK(test::read_file(each + "/" + file) == test::read_file(each + "-again/" + file));
    CHECK(rl::load_policy(each).low.theta()[5] == rl::load_policy(each + "-again").low.theta()[5]);
    CHECK(
        std::ranges::equal(rl::load_policy(each).low.theta(), rl::load_policy(each + "-again").low.theta()));
  }
  check_works({"collect", "--env", "point_goal", "--episodes", "3", "--out", demos, "--force"});
  CHECK(run_baton({"info", run}).out.find("d.h5: has changed since") != std::string::npos);
  fs::remove(demos);
  CHECK(run_baton({"info", run}).out.find("d.h5: is no longer there") != std::string::npos);
  std::string foreign = test::read_file(run + "/run.json");
  const std::string isa = json["instruction_set"].get<std::string>();
  foreign.replace(foreign.find("\"" + isa + "\""), isa.size() + 2, "\"mmx\"");
  test::write_file(run + "/run.json", foreign);
  CHECK(run_baton({"info", run}).out.find("the run had mmx, this machine has " + isa) != std::string::npos);
  test::write_file(run + "/run.json", "{\"program\": ");
  check_refused({"info", run}, 1, "run.json: not a JSON object");
}

TEST_CASE("finetune, distill and eval: the chain works, the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  const std::string goal = point_goal_name();
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    const std::string threads = std::to_string(i + 1), tuned = folder.file("ft" + threads);
    const std::string distilled = folder.file("d" + threads), json = folder.file("e.json");
    check_works(Arguments{"finetune", "--init", point_policy(), "--goal", goal, "--variant", "iril",
                          "--demos", point_demos(), "--threads", threads, "--out", tuned} +
                quick());
    check_works(Arguments{"distill", "--from", folder.file("ft1"), "--threads", threads, "--out", distilled} +
                quick());
    check_works({"eval", "--policy", folder.file("d1"), "--goals", goal, "--episodes", "5", "--threads",
                 threads, "--batch", i == 0 ? "2" : "5", "--json", json});
    texts[i] = test::read_file(tuned + "/summary.json") + test::read_file(distilled + "/summary.json") +
               test::read_file(json);
  }
  CHECK(texts[0] == texts[1]);
  const auto report = nlohmann::json::parse(test::read_file(folder.file("e.json")));
  CHECK(report["env"] == "point_goal");
  CHECK(report["episodes"] == 5);
  REQUIRE(report["goals"].size() == 1);
  for (const char* key : {"success", "step_completion", "success_final"}) {
    CHECK(report["goals"][0][key].is_number());
    CHECK(report["mean"][key].is_number());
  }
  CHECK(report["goals"][0]["elements"].is_object());
}

TEST_CASE(
    "layer norm, optimiser and preconditioner are settings; metrics.jsonl holds every number of a step") {
  const test::TemporaryFolder folder;
  const Arguments chosen{"--set", "policy.layer_norm=true", "--set", "imitate.optimizer=sgd"};
  check_works(Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("ril")} + quick() + chosen);
  const std::string config = test::read_file(folder.file("ril") + "/config.toml");
  for (const char* line : {"layer_norm = true", "optimizer = \"sgd\""}) {
    CHECK_MESSAGE(config.find(line) != std::string::npos, line);
  }
  check_works(Arguments{"finetune", "--init", folder.file("ril"), "--goal", point_goal_name(), "--variant",
                        "dapg", "--demos", point_demos(), "--out", folder.file("ft")} +
              quick() + Arguments{"--set", "npg.preconditioner=diagonal"});
  CHECK(test::read_file(folder.file("ft/config.toml")).find("layer_norm = true") !=
        std::string::npos);  // RIL's
  const std::string metrics = test::read_file(folder.file("ft") + "/metrics.jsonl");
  const auto line = nlohmann::json::parse(metrics.substr(0, metrics.find('\n')));
  for (const char* key : {"return", "explained_variance", "gradient_norm", "cg_iterations", "cg_residual",
                          "step", "kl", "predicted_kl", "improvement", "predicted_improvement", "demo_weight",
                          "demo_log_likelihood", "log_std"}) {
    CHECK_MESSAGE(line["low"][key].is_number(), key);
    CHECK_MESSAGE(
        test::read_file(std::string(BATON_SOURCE_ROOT) + "/docs/metrics.md").find(key) != std::string::npos,
        key, " is not explained");
  }
  CHECK(line["low"]["accepted"].is_boolean());
  CHECK(line["low"]["cg_iterations"] == 10);
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("no")} + quick() +
                    Arguments{"--set", "imitate.optimizer=adam", "--set", "imitate.weight_decay=0.1"},
                1, "adamw is the one that decays weights");
  CHECK(folder.listing() == "ft ril");
}

TEST_CASE("eval --replay: what our own kitchen recorded without noise comes out the same") {
  const test::TemporaryFolder folder;
  const std::string demos = folder.file("clean.h5");
  check_works({"collect", "--episodes", "2", "--goals", "microwave_kettle_bottomknob_slide", "--undisturbed",
               "--set", "noise_ratio=0", "--out", demos});
  const test::Outcome outcome = run_baton({"eval", "--replay", demos});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK_MESSAGE(
      outcome.out.find("4.00 elements an episode in the recording, 4.00 in the replay") != std::string::npos,
      outcome.out);
  // The recorded targets with nothing fed back, on the same model: the recording again, but for the state's rounding.
  const test::Outcome open_loop = run_baton(
      {"eval", "--replay", demos, "--model", std::string(BATON_SOURCE_ROOT) + "/envs/kitchen/kitchen.xml"});
  REQUIRE_MESSAGE(open_loop.code == 0, open_loop.err);
  CHECK_MESSAGE(open_loop.out.find("4.00 in the replay") != std::string::npos, open_loop.out);
  check_refused({"eval", "--replay", demos, "--model", folder.file("none.xml")}, 1, "none.xml");
  test::write_file(folder.file("m.xml"), kModel);
  check_refused({"eval", "--replay", demos, "--model", folder.file("m.xml")}, 1, "m.xml: no joint 'arm_1'");
  check_refused({"eval", "--model", "kitchen.xml"}, 2, "--policy");
  check_refused({"eval", "--replay", point_demos()}, 1, "30");
  check_refused({"eval", "--replay", demos, "--json", folder.file("r.json")}, 2, "--json");
  check_refused({"eval"}, 2, "--policy");
}

TEST_CASE(
    "--model is recorded in the run and taken from it; a model that is gone is one error that names it") {
  const test::TemporaryFolder folder;
  const std::string demos = folder.file("d.h5"), model = folder.file("k.xml"), run = folder.file("bc"),
                    tuned = folder.file("ft"), json = folder.file("e.json");
  fs::copy_file(std::string(BATON_SOURCE_ROOT) + "/envs/kitchen/kitchen.xml", model);
  const std::string goal = "microwave_kettle_bottomknob_slide";
  const Arguments small{"--set", "policy.hidden=[8]"};
  check_works({"collect", "--episodes", "2", "--goals", goal, "--model", model, "--noise", "0",
               "--start-spread", "0.05", "--out", demos});
  check_works(Arguments{"imitate", "--demos", demos, "--method", "bc", "--model", model, "--set",
                        "imitate.updates=5", "--out", run} +
              small);
  CHECK(test::read_file(run + "/config.toml").find("model = \"" + model + "\"") != std::string::npos);
  const auto inputs = nlohmann::json::parse(test::read_file(run + "/run.json"))["inputs"];
  CHECK(std::ranges::any_of(inputs, [](const auto& each) {
    return each["option"] == "--model" && each["path"] == "../k.xml" &&
           each["files"][0]["sha256"].template get<std::string>().size() == 64;
  }));
  check_works({"finetune", "--init", run, "--goal", goal, "--variant", "npg", "--set",
               "finetune.iterations=0", "--set", "finetune.eval_episodes=2", "--start-spread", "0.05",
               "--displace", "kettle=0.02", "--push", "3", "--out", tuned});
  const std::string config = test::read_file(tuned + "/config.toml");
  for (const std::string& line : {"model = \"" + model + "\"", std::string("start_spread = 0.05"),
                                  std::string("displaced = \"kettle\""), std::string("push = 3")})
    CHECK_MESSAGE(config.find(line) != std::string::npos, line);
  const Arguments eval{"eval", "--policy", tuned, "--goals", goal, "--episodes", "1", "--json", json};
  check_works(eval);
  const auto report = nlohmann::json::parse(test::read_file(json));
  CHECK(report["model"] == model);
  CHECK(report["push"] == 0);
  check_works(eval + Arguments{"--model", "own", "--push", "3", "--precision", "double"});
  CHECK(nlohmann::json::parse(test::read_file(json))["model"] == "own");
  CHECK(run_baton({"info", tuned}).out.find("--model") != std::string::npos);
  fs::remove(model);
  check_refused(eval, 1, "k.xml: no such file, the model of the environment");
  check_refused(eval + Arguments{"--displace", "kettle"}, 2, "kettle=0.03");
  check_works(eval + Arguments{"--model", "own"});
}

TEST_CASE("collect: the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  for (const char* threads : {"1", "2"}) {
    check_works({"collect", "--env", "point_goal", "--episodes", "70", "--threads", threads, "--seed", "3",
                 "--out", folder.file(std::string(threads) + ".h5")});
  }
  const rl::Dataset one = rl::read_dataset(folder.file("1.h5")), two = rl::read_dataset(folder.file("2.h5"));
  CHECK(one.states == two.states);
  CHECK(one.actions == two.actions);
  CHECK(one.goal_names == two.goal_names);
  CHECK(one.episodes() == 70);
}

TEST_CASE("kitchen: collect, imitate and eval, the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    const std::string threads = std::to_string(i + 1), demos = folder.file("demos" + threads + ".h5");
    const std::string run = folder.file("run"), json = folder.file("e.json");
    check_works({"collect", "--episodes", "5", "--threads", threads, "--out", demos});
    check_works({"imitate", "--demos", demos, "--force", "--out", run, "--threads", threads, "--set",
                 "imitate.updates=20", "--set", "policy.hidden=[16]"});
    check_works({"eval", "--policy", run, "--goals",
                 "microwave_kettle_topknob_hinge,kettle_switch_hinge_slide", "--episodes", "2", "--threads",
                 threads, "--batch", i == 0 ? "3" : "4", "--json", json});
    texts[i] = test::read_file(run + "/summary.json") + test::read_file(json);
  }
  CHECK(texts[0] == texts[1]);
  CHECK(texts[0].find("kettle_switch_hinge_slide") != std::string::npos);
  const rl::Dataset one = rl::read_dataset(folder.file("demos1.h5")),
                    two = rl::read_dataset(folder.file("demos2.h5"));
  CHECK(one.states == two.states);
  CHECK(one.qpos == two.qpos);
  CHECK(one.state_dim == 30);
  CHECK(one.qvel_dim == 29);
}

TEST_CASE(
    "demo: the whole chain on the small environment; its summary has the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  const std::string goal = point_goal_name();
  const Arguments small{"--set", "demo.goals=" + goal, "--set", "collect.episodes=12",
                        "--set", "eval.episodes=3",    "--set", "demo.seeds=2"};
  for (const char* threads : {"1", "2"}) {
    const test::Outcome outcome = run_baton(
        Arguments{"demo", "--threads", threads, "--out", folder.file(std::string("demo") + threads)} +
        quick() + small);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    for (const char* method : {"RIL", "GCBC", "BC", "IRIL-RPL", "RPL, distilled"}) {
      CHECK(outcome.out.find(method) != std::string::npos);
    }
    CHECK(outcome.out.find("21.7") != std::string::npos);
  }
  const std::string one = test::read_file(folder.file("demo1/summary.json"));
  CHECK(one.size() > 100);
  CHECK(one == test::read_file(folder.file("demo2/summary.json")));
  for (const char* seed : {"seed_1", "seed_2"})
    CHECK(test::read_file(folder.file(std::string("demo1/") + seed + "/distilled/summary.json")) ==
          test::read_file(folder.file(std::string("demo2/") + seed + "/distilled/summary.json")));
  const auto summary = nlohmann::json::parse(one);
  CHECK(summary["seeds"] == 2);
  REQUIRE(summary["methods"].size() == 6);
  for (const auto& method : summary["methods"]) {
    CHECK(method["seeds"] == 2);
    CHECK(method["success_error"].is_number());
  }
  CHECK(nlohmann::json::parse(test::read_file(folder.file("demo1/run.json")))["command"] == "demo");
}

TEST_CASE("Ctrl-C: one line, exit 130, nothing half-written") {
  const test::TemporaryFolder folder;
  const Arguments slow{"--set", "imitate.updates=100000000"};
  const test::Outcome outcome = run_baton(
      Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("run")} + quick() + slow, 700);
  CHECK(outcome.code == 130);
  CHECK(outcome.err.find("baton: interrupted") != std::string::npos);
  CHECK(folder.listing() == "");
}

}  // namespace
}  // namespace baton
