#pragma once
// The methods that learn from demonstrations alone, one file each: what its tuples are, or what it makes instead of a
// network. `imitate`, `eval`, `demo` and `--help` read the table.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rl/actor.hpp"
#include "rl/data/dataset.hpp"
#include "rl/data/tuple_settings.hpp"
#include "rl/policy/relay_policy.hpp"

namespace baton::rl {

struct PolicyFile;  // rl/policy/checkpoint.hpp

// Figures of the paper (table 1, figure 6), means over its 17 goals; negative: it has none.
struct Published {
  double success = -1, step_completion = -1;  // percent, 0..4
};

struct Method {
  std::string_view name;        // of --method; recorded in runs
  std::string_view help;        // one line
  std::string_view tuned_name;  // after a variant: "rpl" makes "iril-rpl"
  Published published;
  bool in_demo = false;  // `baton demo` trains it

  // A policy trained by maximum likelihood (rl/imitation.hpp): the tuples of its low (or only) and its high level.
  TupleRule low;
  std::optional<TupleRule> high;
  SubgoalEnd subgoal_end = SubgoalEnd::kClock;

  // Anything else: makes the agent of the demonstrations, and reads it from the file that it was saved in.
  std::unique_ptr<Agent> (*make)(const Dataset& data, const envs::Spec& spec) = nullptr;
  std::unique_ptr<Agent> (*load)(const PolicyFile& file) = nullptr;

  bool trained() const { return make == nullptr; }
  // Whether the specification's elements do not matter to it.
  bool needs_no_elements() const { return trained() && !low.cut_at_completions; }
  bool hierarchical() const { return high.has_value(); }
  const TupleRule& rule(int level) const { return level == 1 ? *high : low; }
};

// The table. A new method is one line here, X(name) for `const Method name` of rl/methods/<name>.cpp; the first is the
// default.
#define BATON_METHODS(X) \
  X(ril)                 \
  X(gcbc)                \
  X(bc)                  \
  X(oracle)              \
  X(nearest)

namespace method {
#define BATON_DECLARE(name) extern const Method name;
BATON_METHODS(BATON_DECLARE)
#undef BATON_DECLARE
}  // namespace method

std::span<const Method* const> methods();
std::vector<std::string> method_names();
// Throws UsageError on an unknown name and says what was probably meant.
const Method& find_method(std::string_view name);

// Reads what a run's folder keeps (or the file itself): the method that it names says how.
std::unique_ptr<Agent> load_agent(const std::string& folder);

}  // namespace baton::rl
