// Physics steps per second under random actions (envs/sim/random_actions.hpp), ours and MuJoCo's in the same run, on
// the same file, with the same controls:
//
//   testspeed/kitchen          envs/kitchen/kitchen.xml
//   testspeed/franka_kitchen   ../shared/franka_kitchen (or the folder BATON_FRANKA_KITCHEN); skipped where absent
//
// Every environment in lanes has actions of its own; the other contestants replay some of them.
//
// One benchmark is the whole race: every contestant takes the same action in turn, so that noise of the machine meets
// all of them, and the episode is run several times; a contestant's time is the sum over actions of the median over
// the repetitions. One-thread times are processor time, which other programs disturb less; the two-thread ones are
// wall time, and so is what they are compared with. items_per_second is float lanes on one thread; the time shown is
// that of the whole race.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "bench/sim/contestants.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace {

using namespace baton;

constexpr std::uint64_t kSeed = 1;

struct Race {
  std::string path;
  int lanes_envs, double_envs, peer_envs, actions, repetitions;
};

struct Entry {
  const char* name;
  int threads;
  std::unique_ptr<bench::Contestant> who;
  std::vector<std::vector<double>> cpu, wall;  // [action][repetition], seconds

  double steps() const {
    return static_cast<double>(who->envs()) * sim::kActionSteps * static_cast<double>(cpu.size());
  }
};

double cpu_now() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double wall_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double sum_of_medians(std::vector<std::vector<double>> times) {
  double sum = 0;
  for (auto& t : times) {
    std::sort(t.begin(), t.end());
    sum += t[t.size() / 2];
  }
  return sum;
}

// Throws when environment 0 is not where `reference` has it after the first action.
void verify(const bench::Contestant& who, const bench::Contestant& reference, const char* name,
            double tolerance) {
  const auto a = who.qpos(0), b = reference.qpos(0);
  BATON_REQUIRE(a.size() == b.size(), "{}: {} positions against {}", name, a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    BATON_REQUIRE(std::fabs(a[i] - b[i]) <= tolerance, "{}: after one action qpos[{}] is {}, in double {}",
                  name, i, a[i], b[i]);
}

std::vector<Entry> contestants(const Race& race, const sim::Model<double>& model,
                               const sim::RecordedActions& record) {
  std::vector<Entry> all;
  const auto add = [&](const char* name, int threads, std::unique_ptr<bench::Contestant> who) {
    if (who != nullptr) all.push_back({name, threads, std::move(who), {}, {}});
  };
  add("double", 1, bench::make_ours(model, record, sim::Precision::kDouble, race.double_envs));
  add("mujoco", 1, bench::make_mujoco(race.path, record, race.peer_envs));
  add("lanes", 1, bench::make_ours(model, record, sim::Precision::kLanes, race.lanes_envs));
  add("lanes_2_threads", 2, bench::make_ours(model, record, sim::Precision::kLanes, race.lanes_envs));
  return all;
}

void run(const Race& race, std::vector<Entry>& all) {
  for (auto& entry : all) entry.cpu.resize(static_cast<std::size_t>(race.actions)), entry.wall = entry.cpu;
  for (int repetition = 0; repetition < race.repetitions; ++repetition)
    for (int action = 0; action < race.actions; ++action) {
      for (auto& entry : all) {
        kernels::set_threads(entry.threads);
        kernels::parallel_for(64, [](int) {});  // threads exist and are awake before the clock starts
        const double cpu = cpu_now(), wall = wall_now();
        entry.who->act(action);
        entry.cpu[static_cast<std::size_t>(action)].push_back(cpu_now() - cpu);
        entry.wall[static_cast<std::size_t>(action)].push_back(wall_now() - wall);
      }
      if (action == 0 && repetition == 0)
        for (const auto& entry : all)
          verify(*entry.who, *all[0].who, entry.name, std::string_view(entry.name) == "mujoco" ? 1e-3 : 2e-2);
    }
  for (const auto& entry : all)
    BATON_REQUIRE(entry.who->tally().diverged == 0, "{}: {} states diverged", entry.name,
                  entry.who->tally().diverged);
}

std::vector<std::string>& summary() {
  static std::vector<std::string> lines;
  return lines;
}

void report(benchmark::State& state, const std::string& title, const std::vector<Entry>& all) {
  double peer = 0, one_wall = 0;
  for (const auto& entry : all) {
    const std::string name = entry.name;
    if (name == "mujoco") peer = entry.steps() / sum_of_medians(entry.cpu);
    if (name == "lanes") one_wall = entry.steps() / sum_of_medians(entry.wall);
  }
  for (const auto& entry : all) {
    const std::string name = entry.name;
    const double rate = entry.steps() / sum_of_medians(entry.threads > 1 ? entry.wall : entry.cpu);
    const bench::Tally tally = entry.who->tally();
    const double contacts = tally.contacts / tally.steps, iterations = tally.iterations / tally.solves;
    state.counters[name + "_per_second"] = rate;
    state.counters[name + "_contacts"] = contacts;
    state.counters[name + "_iterations"] = iterations;
    std::string ratio;
    if (name == "mujoco") {
      ratio = bench::mujoco_name();
    } else if (entry.threads > 1) {
      state.counters["two_threads_over_one"] = rate / one_wall;
      ratio = fmt::format("{:.2f} times one thread ({:.0f}, wall time)", rate / one_wall, one_wall);
    } else if (peer > 0) {
      state.counters[name + "_ratio"] = rate / peer;
      ratio = fmt::format("{:.1f} times MuJoCo", rate / peer);
    }
    summary().push_back(fmt::format("{:26} {:16} {:>10.0f} steps/s {:6.2f} contacts {:5.2f} iterations  {}",
                                    title, name, rate, contacts, iterations, ratio));
    if (name == "lanes") state.counters["items_per_second"] = rate;
  }
}

void testspeed(benchmark::State& state, const std::string& title, Race race) {
  if (!std::filesystem::exists(race.path))
    return state.SkipWithError((race.path + " is absent: skipped").c_str());
  try {
    const sim::Model<double> model = sim::mjcf::load(race.path);
    kernels::set_threads(0);
    const auto record = sim::record_random_actions(model, race.lanes_envs, race.actions, kSeed);
    for (auto _ : state) {
      std::vector<Entry> all = contestants(race, model, record);
      run(race, all);
      report(state, title, all);
    }
  } catch (const std::exception& e) {
    state.SkipWithError(e.what());
  }
}

// BATON_BENCH_QUICK=1: a quarter of an episode, once, to see that all works.
void add(const std::string& title, Race race) {
  if (std::getenv("BATON_BENCH_QUICK") != nullptr) race.actions /= 4, race.repetitions = 1;
  benchmark::RegisterBenchmark(title.c_str(), [=](benchmark::State& state) {
    testspeed(state, title, race);
  })->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  const char* franka = std::getenv("BATON_FRANKA_KITCHEN");
  const std::string source = BATON_SOURCE_ROOT;
  const std::string original = franka != nullptr ? franka : source + "/../shared/franka_kitchen";
  add("testspeed/kitchen", {source + "/envs/kitchen/kitchen.xml", 512, 16, 8, sim::kEpisodeActions, 3});
  add("testspeed/franka_kitchen", {original + "/kitchen_assets/kitchen_env_model.xml", 256, 4, 2, 140, 3});
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  if (!summary().empty()) fmt::print("\n");
  for (const auto& line : summary()) fmt::print("{}\n", line);
}
