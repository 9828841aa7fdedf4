#pragma once
// Progress of long work on stderr: a bar with rate and time left on a terminal, a plain line every few seconds
// elsewhere. update() is also where Ctrl-C is noticed.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "rl/run/metrics.hpp"
#include "rl/run/progress.hpp"

namespace baton::cli {

// "0:07", "12:34", "3:04:05"; negative or unknown: "-:--".
std::string format_duration(double seconds);

// The text of one report, without colours or control characters. `columns` > 0 draws the bar into what they leave.
std::string progress_text(const std::string& label, std::int64_t done, std::int64_t total,
                          const std::string& unit, double seconds, const std::string& note, int columns);

class Progress {
 public:
  // unit: the plural of what is counted ("episodes"). total <= 0: unknown, no bar and no time left.
  Progress(std::string label, std::int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // done: counted from 0 to total. note: a few words at the end of the line. Throws rl::Interrupted after Ctrl-C.
  void update(std::int64_t done, const std::string& note = "");

  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(bool last);

  std::string label_, unit_, note_;
  std::int64_t total_, done_ = 0;
  bool terminal_, drawn_ = false;
  Clock::time_point start_, shown_;
};

// Progress of work in rl/: one bar per stage, what comes with metrics goes to metrics.jsonl as well.
class StageReporter {
 public:
  // metrics: where metrics objects are written; null: nowhere. unit: the plural of what stages count.
  StageReporter(rl::MetricsWriter* metrics, std::string label, std::string unit);
  // Valid as long as the reporter is.
  rl::ProgressCallback callback();
  // The last metrics object seen, or null.
  const nlohmann::ordered_json& last_metrics() const { return last_; }

 private:
  bool report(const rl::Progress& progress);

  rl::MetricsWriter* metrics_;
  std::string label_, unit_, stage_, note_;
  nlohmann::ordered_json last_;
  std::unique_ptr<Progress> bar_;
};

}  // namespace baton::cli
