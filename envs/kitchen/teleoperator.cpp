#include "envs/kitchen/teleoperator.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "envs/kitchen/kitchen_model.hpp"
#include "envs/kitchen/strategies.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace baton::envs {

namespace {

constexpr double kActionScale = 2 * 0.08;  // rad per unit of action
constexpr double kTracking = 0.5;  // share of a commanded step that the actuators cover within an action
constexpr double kFingerTracking = 1.0;
constexpr int kPatience = 20;    // actions on one spot after which another way is tried
constexpr double kSpot = 0.025;  // m
constexpr double kBurst = 15;    // actions that a disturbance lasts on average
constexpr int kStandBack = 7;    // actions of backing off before it

struct Shared {
  Arm arm{kitchen_model()};
  KitchenPlaces places{kitchen_model()};
};

const Shared& shared() {
  static const Shared s;
  return s;
}

// Slow noise with a deviation of 1: first-order, with a memory of about 1 / (1 - keep) actions.
double slow_noise(double previous, double keep, kernels::Random& random) {
  return keep * previous + std::sqrt(1 - keep * keep) * random.normal();
}

}  // namespace

struct Teleoperator::Operator {
  std::vector<int> elements;
  std::array<Style, kKitchenElements> style;
  kernels::Random random{0};
  double disturbance = 0;  // deviation, action units
  double hesitation = 0;   // slow noise that slows the hand
  std::array<double, 9> tremor{}, push{};
  int still = 0, standing_back = 0;  // actions on one spot; actions left of backing off
  Vec3d spot{};                      // where the hand was when it last moved on
  double spot_way = 0;               // and how far the element was from its goal
  bool done = false, shaken = false;

  double centred(double spread) { return spread * (2 * random.uniform_double() - 1); }
  void draw_style(int element, double spread);
  void watch(int element, std::span<const float> state, const Vec3d& tip, double spread);
  void act(const TeleoperatorSettings& settings, std::span<const float> state, float* wanted,
           float* executed);
};

void Teleoperator::Operator::draw_style(int element, double spread) {
  Style s;
  s.speed = 0.95 + centred(0.18 * spread);
  s.offset = {centred(0.005 * spread), centred(0.005 * spread), centred(0.005 * spread)};
  s.side = centred(0.5 * spread);
  s.lift = centred(0.5 * spread);
  s.stop = 0.5 + centred(0.3 * spread);
  s.distance = centred(spread);
  s.closed = random.uniform_double() >= 0.1 * spread;
  style[static_cast<std::size_t>(element)] = s;
}

// A person who gets nowhere takes the hand back and tries a little differently.
void Teleoperator::Operator::watch(int element, std::span<const float> state, const Vec3d& tip,
                                   double spread) {
  const auto& index = kitchen_spec().elements[static_cast<std::size_t>(element)].index;
  const auto& goal = kitchen_element_goal(element);
  double way = 0;
  for (std::size_t i = 0; i < index.size(); ++i)
    way += std::fabs(state[static_cast<std::size_t>(index[i])] - goal[i]);
  if (standing_back > 0 || sim::norm(tip - spot) > kSpot || std::fabs(way - spot_way) > 0.02) {
    spot = tip;
    spot_way = way;
    still = 0;
  } else if (++still > kPatience) {
    draw_style(element, std::max(spread, 0.5));
    standing_back = kStandBack;
    still = 0;
  }
}

void Teleoperator::Operator::act(const TeleoperatorSettings& settings, std::span<const float> state,
                                 float* wanted, float* executed) {
  const Shared& world = shared();
  ArmJoints q;
  for (int j = 0; j < kArmJoints; ++j) q[j] = state[static_cast<std::size_t>(j)];
  const Scene scene{state, world.arm.pose(q), 0.5 * (state[7] + state[8])};
  int element = -1;
  for (const int e : elements) {
    if (satisfied(e, world.places, scene, style[static_cast<std::size_t>(e)])) continue;
    element = e;
    break;
  }
  done = element < 0;
  Command c = rest(scene, world.places);
  double speed = 1;
  if (!done) {
    watch(element, state, scene.hand.tip, settings.spread);
    const Style& s = style[static_cast<std::size_t>(element)];
    c = handle_element(element, world.places, scene, s);
    speed = s.speed;
    if (standing_back > 0) {
      --standing_back;
      c.target.tip = scene.hand.tip - scene.hand.rotation.col(2) * 0.06 - Vec3d{0, 0.03, 0};
      c.grip = 0.04;
    }
  }
  hesitation = slow_noise(hesitation, 0.85, random);
  speed *= std::clamp(1 - 0.35 * settings.spread * std::max(0.0, hesitation - 0.4), 0.3, 1.0);
  c.target.max_step *= speed;
  c.target.max_turn *= speed;
  const ArmJoints next = world.arm.approach(q, c.target), load = world.arm.gravity_load(q);
  std::array<double, 9> action;
  double scale = 1;
  for (int j = 0; j < kArmJoints; ++j) {
    const double hold = load[j] / world.arm.stiffness(j) / kActionScale,
                 move = (next[j] - q[j]) / kTracking / kActionScale;
    const double room = 0.98 - std::min(0.9, std::fabs(hold));
    if (std::fabs(move) > room) scale = std::min(scale, room / std::fabs(move));
    action[j] = move;
  }
  for (int j = 0; j < kArmJoints; ++j)
    action[j] = action[j] * scale + load[j] / world.arm.stiffness(j) / kActionScale;
  for (int j = 7; j < 9; ++j)
    action[j] = (c.grip - state[static_cast<std::size_t>(j)]) / kFingerTracking / kActionScale;
  const double change =
      shaken ? (settings.calm > 0 ? 1 / kBurst : 0) : (1 - settings.calm) / (settings.calm * kBurst);
  if (random.uniform_double() < change) shaken = !shaken;
  for (int j = 0; j < 9; ++j) {
    const double share = j < kArmJoints ? 1 : 0.3;
    tremor[j] = slow_noise(tremor[j], 0.7, random);
    push[j] = slow_noise(push[j], 0.9, random);
    const double own = std::clamp(action[j] + share * settings.tremor * tremor[j], -1.0, 1.0);
    wanted[j] = static_cast<float>(own);
    executed[j] =
        static_cast<float>(std::clamp(own + (shaken ? share * disturbance * push[j] : 0), -1.0, 1.0));
  }
}

Teleoperator::Teleoperator(int size, const TeleoperatorSettings& settings) : settings_(settings) {
  BATON_REQUIRE(size > 0, "teleoperator: size is {}, expected at least 1", size);
  BATON_REQUIRE(settings.spread >= 0 && settings.spread <= 1, "teleoperator: spread is {}, expected 0..1",
                settings.spread);
  BATON_REQUIRE(settings.tremor >= 0 && settings.disturbance_low >= 0 &&
                    settings.disturbance_high >= settings.disturbance_low,
                "teleoperator: tremor {} and disturbance {}..{} must not be negative, nor the range reversed",
                settings.tremor, settings.disturbance_low, settings.disturbance_high);
  BATON_REQUIRE(settings.calm >= 0 && settings.calm < 1, "teleoperator: calm is {}, expected 0..1, below 1",
                settings.calm);
  operators_.resize(static_cast<std::size_t>(size));
  shared();
}

Teleoperator::~Teleoperator() = default;

void Teleoperator::reset(int i, const std::vector<int>& elements, std::uint64_t seed) {
  BATON_REQUIRE(i >= 0 && i < static_cast<int>(operators_.size()), "teleoperator: no operator {} of {}", i,
                operators_.size());
  for (const int e : elements)
    BATON_REQUIRE(e >= 0 && e < kKitchenElements, "teleoperator: no element {}, expected 0..{}", e,
                  kKitchenElements - 1);
  Operator& o = operators_[static_cast<std::size_t>(i)];
  o = Operator{};
  o.elements = elements;
  o.random = kernels::Random(seed, 0x7e1e);
  for (int e = 0; e < kKitchenElements; ++e) o.draw_style(e, settings_.spread);
  o.shaken = o.random.uniform_double() >= settings_.calm;
  const double u = o.random.uniform_double();  // small ones more often: they leave time to finish
  o.disturbance = settings_.disturbance_low + (settings_.disturbance_high - settings_.disturbance_low) * u;
}

void Teleoperator::act(std::span<const float> observation, std::span<float> wanted,
                       std::span<float> executed) {
  const std::size_t n = operators_.size();
  BATON_REQUIRE(observation.size() == n * kKitchenStateDim && wanted.size() == n * kKitchenActionDim &&
                    executed.size() == n * kKitchenActionDim,
                "teleoperator: {} observations, {} and {} actions for {} operators, expected {} and {}",
                observation.size(), wanted.size(), executed.size(), n, n * kKitchenStateDim,
                n * kKitchenActionDim);
  kernels::parallel_for(static_cast<int>(n), [&](int i) {
    const std::size_t k = static_cast<std::size_t>(i);
    operators_[k].act(settings_, observation.subspan(k * kKitchenStateDim, kKitchenStateDim),
                      &wanted[k * kKitchenActionDim], &executed[k * kKitchenActionDim]);
  });
}

bool Teleoperator::done(int i) const { return operators_.at(static_cast<std::size_t>(i)).done; }

std::unique_ptr<Demonstrator> make_teleoperator(int size, const DemonstratorOptions& options) {
  TeleoperatorSettings settings;
  settings.spread = options.spread;
  settings.tremor = options.tremor;
  settings.disturbance_low = options.disturbance_low;
  settings.disturbance_high = options.disturbance_high;
  return std::make_unique<Teleoperator>(size, settings);
}

}  // namespace baton::envs
