#pragma once
// What acts in a batch of environments, and what makes such actors: the seam between methods and everything that rolls
// out, evaluates or records.
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "envs/env.hpp"

namespace baton::rl {

// Multiples of a policy's own sigma that are sampled: 0 acts with the mean, 1 samples the policy. Actors without a
// distribution act the same for any.
struct Exploration {
  float low = 0, high = 0;
};

// Acts in `rows()` environments in lock step. Row n's noise is a function of its seed and the step alone. Calls do not
// allocate once an episode has been acted.
class Actor {
 public:
  virtual ~Actor() = default;

  virtual int rows() const = 0;

  // Starts an episode in every row. goals [rows][S]: targets as the environment gives them; seeds [rows].
  virtual void begin(std::span<const float> goals, std::span<const std::uint64_t> seeds,
                     Exploration exploration) = 0;

  // Step t = 0, 1, ...: observation [rows][S] -> actions [rows][A], overwritten, not clipped.
  virtual void act(int t, std::span<const float> observation, std::span<float> actions) = 0;

  virtual std::span<const float> goals() const = 0;  // [rows][S], as the actor sees them

  // Of a relay policy: the chunk of labels (rl/policy/chunk.hpp) that is being executed, of so many numbers.
  virtual int chunk_width() const { return 0; }
  virtual std::span<const float> chunks() const { return {}; }          // [rows][chunk_width()]
  virtual std::span<const std::uint8_t> planned() const { return {}; }  // [rows], 1: by the latest act()

  // Of a hierarchy; 0 and empty without one. H: the longest that a subgoal is held, in steps.
  virtual int subgoal_every() const { return 0; }
  virtual std::span<const float> subgoals() const { return {}; }         // [rows][S], held now
  virtual std::span<const std::uint8_t> proposed() const { return {}; }  // [rows], 1: by the latest act()
};

struct RelayPolicy;

// What a method makes of demonstrations: kept in a run's folder, acting through actors.
class Agent {
 public:
  virtual ~Agent() = default;

  // The agent must outlive the actor. Throws when the agent is made for other states or actions than the environment
  // has, and says both.
  virtual std::unique_ptr<Actor> make_actor(const envs::Spec& spec, int rows) const = 0;
  // Writes the agent into the folder of a run (rl/policy/checkpoint.hpp), all or nothing.
  virtual void save(const std::string& folder) const = 0;
  // A few lines for `baton info`.
  virtual std::string describe() const = 0;
  // The relay policy behind it, which can be fine-tuned and distilled; null: none.
  virtual const RelayPolicy* relay() const { return nullptr; }

  std::string method;  // as recorded: "ril", "iril-rpl", "distilled", ...
  std::string env;     // the environment that it was trained for
  std::string config;  // resolved settings that it was made with (TOML text)
};

}  // namespace baton::rl
