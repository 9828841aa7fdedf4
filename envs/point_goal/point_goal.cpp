#include "envs/point_goal/point_goal.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace baton::envs {
namespace {

using kernels::parallel_for;

struct Vec {
  float x = 0, y = 0;
};
Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y}; }
Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y}; }
Vec operator*(float s, Vec a) { return {s * a.x, s * a.y}; }
float dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y; }
float norm(Vec a) { return std::sqrt(dot(a, a)); }

// Lengths in units of half the square's side; one step is one unit of time.
struct Slider {
  const char* name;
  Vec rest;  // of the knob at travel 0
  Vec axis;  // unit vector along which travel grows
};
constexpr std::array<Slider, 3> kSliders = {
    {{"left", {-0.6f, -0.3f}, {0, 1}}, {"top", {-0.3f, 0.7f}, {1, 0}}, {"right", {0.6f, 0.3f}, {0, -1}}}};
constexpr int kStateDim = 2 + static_cast<int>(kSliders.size());
constexpr int kActionDim = 2;
constexpr int kHorizon = 90;
constexpr float kSpeed = 0.06f;  // of the point, per step
constexpr float kKnobRadius = 0.08f;
constexpr float kTravel = 0.6f;       // end of the rail
constexpr float kWanted = 0.5f;       // goal coordinate of every slider
constexpr float kStartSpread = 0.1f;  // the point starts within this of the origin, per coordinate
constexpr float kNoiseRatio = 0.01f;
constexpr float kNoiseAmplitude[kStateDim] = {1, 1, 0.2f, 0.2f, 0.2f};

constexpr const char* kDemonstrated[] = {"left_top", "top_right", "left_right"};
constexpr const char* kUnseen[] = {"left_top_right"};

Vec knob(const Slider& slider, float travel) { return slider.rest + travel * slider.axis; }

// Moves the knob along its rail as far as the point at `p` displaces it, and the point out of a knob that is stopped.
void push(const Slider& slider, Vec& p, float& travel) {
  const Vec d = p - knob(slider, travel);
  const float along = dot(d, slider.axis);
  const float across_squared = dot(d, d) - along * along;
  if (dot(d, d) >= kKnobRadius * kKnobRadius) return;
  const float chord = std::sqrt(kKnobRadius * kKnobRadius - across_squared);
  travel = std::clamp(travel + (along < 0 ? along + chord : along - chord), 0.0f, kTravel);
  const Vec left = p - knob(slider, travel);
  const float distance = norm(left);
  if (distance < kKnobRadius && distance > 0) p = knob(slider, travel) + (kKnobRadius / distance) * left;
}

Spec make_spec() {
  Spec spec{.name = "point_goal",
            .state_dim = kStateDim,
            .action_dim = kActionDim,
            .horizon = kHorizon,
            .robot_dim = 2,
            .elements = {}};
  for (int i = 0; i < static_cast<int>(kSliders.size()); ++i) {
    spec.elements.push_back({.name = kSliders[i].name, .index = {2 + i}, .epsilon = 0.1f, .goal = {kWanted}});
    spec.groups.push_back({kSliders[i].name, {2 + i}});
  }
  spec.groups.push_back({"point", {0, 1}});
  spec.action_target = {.coordinate = {0, 1}, .scale = kSpeed, .low = {-1, -1}, .high = {1, 1}};
  spec.sensor_amplitude.assign(std::begin(kNoiseAmplitude), std::end(kNoiseAmplitude));
  return spec;
}

Goal make_goal(const Spec& spec, const std::string& name) {
  Goal goal{.name = name, .target = std::vector<float>(kStateDim, 0.0f), .elements = {}};
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('_', begin), name.size());
    for (int e = 0; e < static_cast<int>(spec.elements.size()); ++e) {
      if (spec.elements[e].name != name.substr(begin, end - begin)) continue;
      goal.elements.push_back(e);
      goal.target[spec.elements[e].index[0]] = kWanted;
    }
    begin = end + 1;
  }
  return goal;
}

class PointGoal final : public BatchEnv {
 public:
  explicit PointGoal(const EnvOptions& options)
      : spec_(make_spec()),
        noise_ratio_(options.noise_ratio < 0 ? kNoiseRatio : options.noise_ratio),
        seeds_(options.size),
        state_(options.size * kStateDim),
        observation_(options.size * kStateDim) {}

  const Spec& spec() const override { return spec_; }
  int size() const override { return static_cast<int>(seeds_.size()); }

  std::vector<Goal> goals(const std::string& list) const override {
    std::vector<std::string> known(std::begin(kDemonstrated), std::end(kDemonstrated)), wanted;
    if (list == "all") wanted = known;
    if (list == "unseen") wanted.assign(std::begin(kUnseen), std::end(kUnseen));
    if (wanted.empty()) wanted = split_names(list);
    known.insert(known.end(), std::begin(kUnseen), std::end(kUnseen));
    std::vector<Goal> goals;
    for (const std::string& name : wanted) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        throw UsageError(fmt::format("point_goal: unknown goal '{}'{} (or all, unseen)", printable(name),
                                     suggestion(name, known)));
      }
      goals.push_back(make_goal(spec_, name));
    }
    return goals;
  }

  void reset(std::span<const std::uint64_t> seeds) override {
    BATON_REQUIRE(seeds.size() == seeds_.size(), "point_goal: {} seeds for {} environments", seeds.size(),
                  size());
    std::copy(seeds.begin(), seeds.end(), seeds_.begin());
    step_ = 0;
    for (int n = 0; n < size(); ++n) {
      float* s = &state_[n * kStateDim];
      std::fill(s, s + kStateDim, 0.0f);
      kernels::Random random(seeds_[n], 0);  // stream 0: the start; stream 1 + step: sensor noise
      for (int i = 0; i < 2; ++i) s[i] = kStartSpread * (2 * random.uniform() - 1);
      observe(n);
    }
  }

  void step(std::span<const float> actions) override {
    BATON_REQUIRE(actions.size() == seeds_.size() * kActionDim,
                  "point_goal: {} action numbers for {} environments of {}", actions.size(), size(),
                  kActionDim);
    ++step_;
    // Chunks are cut by the problem alone; environments do not see each other: any thread count gives the same bytes.
    constexpr int kChunk = 64;
    parallel_for(kernels::chunk_count(size(), kChunk), [&](int chunk) {
      for (int n = chunk * kChunk; n < std::min((chunk + 1) * kChunk, size()); ++n) {
        move(&actions[n * kActionDim], &state_[n * kStateDim]);
        observe(n);
      }
    });
  }

  std::span<const float> observation() const override { return observation_; }
  std::span<const float> state() const override { return state_; }

 private:
  static void move(const float* action, float* s) {
    const auto clipped = [](float a) { return std::isfinite(a) ? std::clamp(a, -1.0f, 1.0f) : 0.0f; };
    Vec p{s[0] + kSpeed * clipped(action[0]), s[1] + kSpeed * clipped(action[1])};
    for (std::size_t i = 0; i < kSliders.size(); ++i) push(kSliders[i], p, s[2 + i]);
    s[0] = std::clamp(p.x, -1.0f, 1.0f);
    s[1] = std::clamp(p.y, -1.0f, 1.0f);
  }

  void observe(int n) {
    kernels::Random random(seeds_[n], 1 + step_);
    for (int i = 0; i < kStateDim; ++i) {
      observation_[n * kStateDim + i] =
          state_[n * kStateDim + i] + noise_ratio_ * kNoiseAmplitude[i] * (2 * random.uniform() - 1);
    }
  }

  Spec spec_;
  float noise_ratio_;
  std::uint64_t step_ = 0;
  std::vector<std::uint64_t> seeds_;
  std::vector<float> state_, observation_;  // [N][kStateDim]
};

// Where the point should go to push this knob along its axis: behind it, around it, or through it.
Vec approach(const Slider& slider, float travel, Vec p) {
  constexpr float kBehind = 0.2f, kAside = 0.24f, kClear = 0.17f, kAligned = 0.05f;
  const Vec k = knob(slider, travel), rel = p - k;
  const float along = dot(rel, slider.axis);
  const Vec across = rel - along * slider.axis;
  const float offset = norm(across);
  const bool behind = along < -0.6f * kKnobRadius;
  if (behind && offset < kAligned) return k;
  if (along < -kClear) return k - kBehind * slider.axis;
  // In front or beside: first out of the knob's way, then back along it. Dead in front, either side will do.
  const Vec normal{-slider.axis.y, slider.axis.x};
  const Vec side = offset > 1e-4f ? (1 / offset) * across : normal;
  if (offset < kClear) return k + along * slider.axis + kAside * side;
  return k - (kBehind + 0.05f) * slider.axis + kAside * side;
}

// Bends the way `d` from p so that it passes other knobs at a distance instead of moving them.
Vec avoid(std::span<const float> state, int wanted, Vec p, Vec d) {
  constexpr float kClearance = 0.16f;
  for (int i = 0; i < static_cast<int>(kSliders.size()); ++i) {
    const Vec to_knob = knob(kSliders[i], state[2 + i]) - p;
    const float distance = norm(to_knob);
    if (i == wanted || distance > kClearance || distance == 0 || dot(d, to_knob) <= 0) continue;
    const Vec toward = (1 / distance) * to_knob, normal{-toward.y, toward.x};
    d = (dot(d, normal) >= 0 ? norm(d) : -norm(d)) * normal;
  }
  return d;
}

// A function of the state alone: neither style nor disturbance.
class PointGoalDemonstrator final : public Demonstrator {
 public:
  explicit PointGoalDemonstrator(int size)
      : spec_(make_spec()),
        goals_(static_cast<std::size_t>(size)),
        done_(static_cast<std::size_t>(size), 0) {}

  void reset(int i, const Goal& goal, std::uint64_t) override {
    goals_[static_cast<std::size_t>(i)] = goal;
    done_[static_cast<std::size_t>(i)] = 0;
  }

  void act(std::span<const float> observation, std::span<float> wanted, std::span<float> executed) override {
    for (std::size_t i = 0; i < goals_.size(); ++i) {
      const auto state = observation.subspan(i * kStateDim, kStateDim);
      point_goal_action(spec_, goals_[i], state, wanted.subspan(i * kActionDim, kActionDim));
      done_[i] = std::all_of(goals_[i].elements.begin(), goals_[i].elements.end(), [&](int e) {
        return element_done(spec_.elements[static_cast<std::size_t>(e)], state, goals_[i].target);
      });
    }
    std::copy(wanted.begin(), wanted.end(), executed.begin());
  }

  bool done(int i) const override { return done_[static_cast<std::size_t>(i)] != 0; }

 private:
  Spec spec_;
  std::vector<Goal> goals_;
  std::vector<char> done_;
};

}  // namespace

std::unique_ptr<BatchEnv> make_point_goal(const EnvOptions& options) {
  BATON_REQUIRE(options.size > 0, "point_goal: {} environments, at least 1 is needed", options.size);
  BATON_REQUIRE(options.model.empty(), "point_goal: takes no model of another file (given: {})",
                options.model);
  BATON_REQUIRE(options.displaced.empty() && options.start_spread == 0,
                "point_goal: starts neither displaced nor from a spread that is given (given: '{}', {})",
                printable(options.displaced), options.start_spread);
  return std::make_unique<PointGoal>(options);
}

std::unique_ptr<Demonstrator> make_point_goal_demonstrator(int size, const DemonstratorOptions&) {
  return std::make_unique<PointGoalDemonstrator>(size);
}

void point_goal_action(const Spec& spec, const Goal& goal, std::span<const float> state,
                       std::span<float> action) {
  const Vec p{state[0], state[1]};
  action[0] = action[1] = 0;
  for (const int e : goal.elements) {
    if (element_error(spec.elements[e], state, goal.target) < 0.5f * spec.elements[e].epsilon) continue;
    const Vec d = avoid(state, e, p, approach(kSliders[e], state[2 + e], p) - p);
    const float length = std::max(norm(d), kSpeed);
    action[0] = d.x / length;
    action[1] = d.y / length;
    return;
  }
}

}  // namespace baton::envs
