#include "cli/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/interrupt.hpp"

namespace baton::cli {
namespace {

constexpr double kTerminalInterval = 0.1;  // s between two drawings
constexpr double kPlainInterval = 10.0;

int terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

// The few numbers of a metrics object that are worth a place at the end of the bar.
std::string metrics_note(const nlohmann::ordered_json& metrics) {
  std::string note;
  const auto add = [&](const nlohmann::ordered_json& from, const char* key, const std::string& name,
                       double scale) {
    if (!from.is_object() || !from.contains(key) || !from[key].is_number()) return;
    note += fmt::format("{}{} {:.4g}", note.empty() ? "" : ", ", name, scale * from[key].get<double>());
  };
  add(metrics, "iteration", "iteration", 1);
  add(metrics, "success", "success %", 100);
  add(metrics, "step_completion", "steps", 1);
  add(metrics, "kl", "KL", 1);
  for (const char* level : {"low", "high"}) {
    if (metrics.contains(level)) add(metrics[level], "heldout", std::string(level) + " loss", 1);
  }
  return note;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e8) return "-:--";
  const long s = std::lround(seconds);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string progress_text(const std::string& label, std::int64_t done, std::int64_t total,
                          const std::string& unit, double seconds, const std::string& note, int columns) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string tail;
  if (total > 0) {
    const double left = rate > 0 ? static_cast<double>(total - done) / rate : -1;
    const std::string time =
        done < total ? format_duration(left) + " left" : "in " + format_duration(seconds);
    tail = fmt::format("{:3d}%  {}/{} {}  {:.3g}/s  {}", 100 * done / total, done, total, unit, rate, time);
  } else {
    tail = fmt::format("{} {}  {:.3g}/s  {}", done, unit, rate, format_duration(seconds));
  }
  if (!note.empty()) tail += fmt::format("  {}", note);
  std::string bar;
  const int room = columns - static_cast<int>(std::max<std::size_t>(label.size(), 10) + tail.size()) - 6;
  if (total > 0 && room >= 8) {
    const int width = std::min(room, 30);
    const int full = static_cast<int>(width * std::clamp<std::int64_t>(done, 0, total) / total);
    bar = fmt::format("[{:#<{}}{:.<{}}] ", "", full, "", width - full);
  }
  std::string text = fmt::format("{:<10}  {}{}", label, bar, tail);
  if (columns > 0 && static_cast<int>(text.size()) >= columns)
    text.resize(static_cast<std::size_t>(columns) - 1);
  return text;
}

Progress::Progress(std::string label, std::int64_t total, std::string unit)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_) {
  if (terminal_) draw(false);
}

Progress::~Progress() {
  if (terminal_ || drawn_ || done_ > 0) draw(true);
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Progress::update(std::int64_t done, const std::string& note) {
  done_ = done;
  note_ = note;
  throw_if_interrupted();
  const double since = std::chrono::duration<double>(Clock::now() - shown_).count();
  if (since >= (terminal_ ? kTerminalInterval : kPlainInterval)) draw(false);
}

void Progress::draw(bool last) {
  const std::string text =
      progress_text(label_, done_, total_, unit_, seconds(), note_, terminal_ ? terminal_columns() : 0);
  // \033[K clears what a longer line left behind.
  if (terminal_) {
    std::fprintf(stderr, "\r%s\033[K%s", text.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
  shown_ = Clock::now();
  drawn_ = true;
}

StageReporter::StageReporter(rl::MetricsWriter* metrics, std::string label, std::string unit)
    : metrics_(metrics), label_(std::move(label)), unit_(std::move(unit)) {}

rl::ProgressCallback StageReporter::callback() {
  return [this](const rl::Progress& progress) { return report(progress); };
}

bool StageReporter::report(const rl::Progress& progress) {
  if (!bar_ || progress.stage != stage_) {
    bar_.reset();
    stage_ = progress.stage;
    bar_ = std::make_unique<Progress>(label_.empty() ? stage_ : label_, progress.total, unit_);
  }
  if (progress.metrics != nullptr) {
    if (metrics_ != nullptr) metrics_->write(*progress.metrics);
    note_ = metrics_note(*progress.metrics);
    last_ = *progress.metrics;
  }
  bar_->update(progress.done, note_);
  return interrupted() == 0;
}

}  // namespace baton::cli
