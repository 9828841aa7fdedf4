#pragma once
// How long work in rl/ reports and is stopped: rl never prints, the caller does.
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "kernels/error.hpp"

namespace baton::rl {

struct Progress {
  std::string_view stage;                           // "imitate", "finetune", "evaluate", ...
  std::int64_t done = 0, total = 0;                 // units of work
  const nlohmann::ordered_json* metrics = nullptr;  // one object for metrics.jsonl when this call brings one
};

// Called on the calling thread, often; null: no reports. Returning false stops the work with Interrupted.
using ProgressCallback = std::function<bool(const Progress&)>;

// The caller asked to stop (Ctrl-C).
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

inline void report(const ProgressCallback& callback, const Progress& progress) {
  if (callback && !callback(progress)) throw Interrupted();
}

}  // namespace baton::rl
