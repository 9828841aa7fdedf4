// What single precision costs: lanes of float beside double, in the kitchen (docs/fidelity.md).
//
//   sim_precision errors [STATES] [MODEL]  one-step errors over states under random actions (100000, the kitchen)
//   sim_precision outcomes [SEEDS]         elements completed by the scripted operator in double and in lanes (12)

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "envs/kitchen/kitchen_env.hpp"
#include "envs/kitchen/kitchen_model.hpp"
#include "envs/kitchen/teleoperator.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "envs/sim/random_actions.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/completion.hpp"

namespace {

using namespace baton;
using sim::Batch;
using sim::Field;

constexpr int kEnvs = 64;
constexpr int kSampleEvery = 10;  // physics steps: four states of each action

// One state's largest errors after a step, in lanes against double.
struct StepError {
  double qpos = 0, qvel = 0;  // rad and m, rad/s and m/s
  double qvel_scaled = 0;     // of the largest change of a velocity in this step, or of free fall's
  int qpos_at = 0, qvel_at = 0;
  int contacts_lanes = 0, contacts_double = 0;
};

class ErrorRun {
 public:
  explicit ErrorRun(const sim::Model<double>& model)
      : model_(model), lanes_(model_, kEnvs), exact_(model_, kEnvs, in_double()) {
    const auto sized = [](int n) { return std::vector<double>(static_cast<std::size_t>(n)); };
    qpos_ = sized(model_.nq), qvel_ = sized(model_.nv), ctrl_ = sized(model_.nu);
    before_.resize(kEnvs);
  }

  // Steps until `states` states have been compared.
  std::vector<StepError> run(std::size_t states) {
    std::vector<StepError> errors;
    for (int action = 0; errors.size() < states; ++action) {
      sim::act_randomly(lanes_, 1, action);
      for (int k = 0; k < sim::kActionSteps; ++k) {
        const bool sampled = (k + action) % kSampleEvery == 0 && errors.size() < states;
        if (sampled) copy_states();
        lanes_.step();
        if (sampled) compare(errors);
      }
    }
    return errors;
  }

 private:
  static sim::BatchOptions in_double() {
    sim::BatchOptions options;
    options.precision = sim::Precision::kDouble;
    return options;
  }

  void copy_states() {
    for (int i = 0; i < kEnvs; ++i) {
      for (Field field : {Field::kQpos, Field::kQvel, Field::kCtrl, Field::kWarmstart}) {
        auto& values = field == Field::kQpos ? qpos_ : field == Field::kCtrl ? ctrl_ : qvel_;
        lanes_.get(field, i, values);
        exact_.set(field, i, values);
      }
      lanes_.get_qvel(i, qvel_);
      before_[static_cast<std::size_t>(i)] = qvel_;
    }
  }

  void compare(std::vector<StepError>& errors) {
    exact_.step();
    auto qpos = qpos_, qvel = qvel_;
    for (int i = 0; i < kEnvs; ++i) {
      StepError e;
      lanes_.get_qpos(i, qpos_), lanes_.get_qvel(i, qvel_);
      exact_.get_qpos(i, qpos), exact_.get_qvel(i, qvel);
      for (std::size_t k = 0; k < qpos.size(); ++k)
        if (const double d = std::fabs(qpos[k] - qpos_[k]); !(d <= e.qpos))
          e.qpos = d, e.qpos_at = static_cast<int>(k);
      double change = 9.81 * model_.option.timestep;
      for (std::size_t k = 0; k < qvel.size(); ++k) {
        change = std::max(change, std::fabs(qvel[k] - before_[static_cast<std::size_t>(i)][k]));
        if (const double d = std::fabs(qvel[k] - qvel_[k]); !(d <= e.qvel))
          e.qvel = d, e.qvel_at = static_cast<int>(k);
      }
      e.qvel_scaled = e.qvel / change;
      e.contacts_lanes = lanes_.contacts(i), e.contacts_double = exact_.contacts(i);
      errors.push_back(e);
    }
  }

  const sim::Model<double>& model_;
  Batch lanes_, exact_;
  std::vector<double> qpos_, qvel_, ctrl_;
  std::vector<std::vector<double>> before_;
};

template <class F>
void print_distribution(const char* name, const std::vector<StepError>& errors, F value) {
  std::vector<double> v;
  for (const auto& e : errors) v.push_back(value(e));
  std::sort(v.begin(), v.end());
  const auto at = [&](double share) {
    return v[static_cast<std::size_t>(share * static_cast<double>(v.size() - 1))];
  };
  fmt::print("  {:<34} {:9.2e} {:9.2e} {:9.2e} {:9.2e}\n", name, at(0.5), at(0.99), at(0.999), at(1.0));
}

void print_table(const char* title, const std::vector<StepError>& errors) {
  if (errors.empty()) return;
  fmt::print("{}: {} states\n  {:<34} {:>9} {:>9} {:>9} {:>9}\n", title, errors.size(), "", "median", "99 %",
             "99.9 %", "maximum");
  print_distribution("qpos, rad or m", errors, [](const StepError& e) { return e.qpos; });
  print_distribution("qvel, rad/s or m/s", errors, [](const StepError& e) { return e.qvel; });
  print_distribution("qvel, of the step's largest change", errors,
                     [](const StepError& e) { return e.qvel_scaled; });
}

std::string joint_of(const sim::Model<double>& m, int index, bool velocity) {
  for (const auto& j : m.joints) {
    const int first = velocity ? j.dof : j.qpos;
    const int count = velocity ? sim::dof_count(j.type) : sim::qpos_count(j.type);
    if (index >= first && index < first + count) return fmt::format("{}[{}]", j.name, index - first);
  }
  return "?";
}

void measure_errors(std::size_t states, const sim::Model<double>& m) {
  auto errors = ErrorRun(m).run(states);
  print_table("all", errors);
  std::vector<StepError> same, other;
  for (const auto& e : errors) (e.contacts_lanes == e.contacts_double ? same : other).push_back(e);
  print_table("as many contacts in both", same);
  print_table("a contact in one only", other);
  std::sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) { return a.qvel > b.qvel; });
  fmt::print("worst by qvel\n");
  for (std::size_t i = 0; i < std::min<std::size_t>(12, errors.size()); ++i) {
    const auto& e = errors[i];
    fmt::print(
        "  {:.2e} at {}, {:.1e} of the step's change; qpos {:.2e} at {}; contacts {} in lanes, {} in "
        "double\n",
        e.qvel, joint_of(m, e.qvel_at, true), e.qvel_scaled, e.qpos, joint_of(m, e.qpos_at, false),
        e.contacts_lanes, e.contacts_double);
  }
}

// ---- outcomes ----

// completed[episode][element of its goal] of the operator on every demonstrated goal, one episode for each seed.
std::vector<std::vector<std::uint8_t>> operate(bool in_double, std::uint64_t first_seed, int seeds) {
  std::vector<envs::Goal> goals;
  for (int s = 0; s < seeds; ++s)
    for (auto& g : envs::kitchen_goals("all")) goals.push_back(std::move(g));
  envs::EnvOptions options;
  options.size = static_cast<int>(goals.size());
  options.in_double = in_double;
  envs::KitchenEnv env(options);
  envs::TeleoperatorSettings disturbed;  // as in training data, so that not everything succeeds
  disturbed.disturbance_low = 0.05, disturbed.disturbance_high = 0.3;
  envs::Teleoperator operators(options.size, disturbed);
  std::vector<std::uint64_t> seed;
  const std::size_t per_seed = goals.size() / static_cast<std::size_t>(seeds);
  for (std::size_t i = 0; i < goals.size(); ++i)
    seed.push_back(kernels::mix_seed(first_seed + i / per_seed, i % per_seed));
  env.reset(seed);
  for (std::size_t i = 0; i < goals.size(); ++i)
    operators.reset(static_cast<int>(i), goals[i].elements, kernels::mix_seed(seed[i], 1));
  std::vector<std::vector<float>> states(goals.size());
  std::vector<float> wanted(goals.size() * envs::kKitchenActionDim), executed = wanted;
  for (int t = 0; t < envs::kKitchenHorizon; ++t) {
    operators.act(env.observation(), wanted, executed);
    env.step(executed);
    for (std::size_t i = 0; i < goals.size(); ++i) {
      const auto row = env.state().subspan(i * envs::kKitchenStateDim, envs::kKitchenStateDim);
      states[i].insert(states[i].end(), row.begin(), row.end());
    }
  }
  std::vector<std::vector<std::uint8_t>> completed(goals.size());
  for (std::size_t i = 0; i < goals.size(); ++i)
    completed[i] = rl::completion(env.spec(), goals[i], states[i]).any_time;
  return completed;
}

void measure_outcomes(int seeds) {
  const auto exact = operate(true, 1, seeds), lanes = operate(false, 1, seeds);
  const auto others = operate(false, 1 + static_cast<std::uint64_t>(seeds), seeds);
  const auto count = [](const auto& episodes) {
    int done = 0, elements = 0, whole = 0;
    for (const auto& e : episodes) {
      const auto n = std::count(e.begin(), e.end(), 1);
      done += static_cast<int>(n), elements += static_cast<int>(e.size());
      whole += n == static_cast<long>(e.size());
    }
    return fmt::format("{} of {} elements, {} of {} episodes whole", done, elements, whole, episodes.size());
  };
  int differ = 0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    for (std::size_t k = 0; k < exact[i].size(); ++k) differ += exact[i][k] != lanes[i][k];
  fmt::print("double                    {}\nlanes, the same seeds     {}; {} elements end otherwise\n",
             count(exact), count(lanes), differ);
  fmt::print("lanes, as many new seeds  {}\n", count(others));
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int n = argc > 2 ? std::atoi(argv[2]) : 0;
  if (mode == "errors") {
    const auto model = argc > 3 ? sim::mjcf::load(argv[3]) : envs::kitchen_model();
    return measure_errors(n > 0 ? static_cast<std::size_t>(n) : 100000, model), 0;
  }
  if (mode == "outcomes") return measure_outcomes(n > 0 ? n : 12), 0;
  fmt::print(stderr, "usage: sim_precision errors [STATES] [MODEL] | outcomes [SEEDS]\n");
  return 2;
} catch (const std::exception& e) {
  fmt::print(stderr, "sim_precision: {}\n", e.what());
  return 1;
}
