#pragma once
// How observations and actions as a file holds them become episodes of a dataset: the part of a reader that does not
// depend on the file's form.
#include <span>
#include <string>
#include <vector>

#include "rl/data/demonstrations.hpp"

namespace baton::rl {

constexpr std::size_t kMostEpisodes = 200000;
constexpr int kMostWidth = 100000;

// The coordinates that one element is to be brought to.
struct Wanted {
  int element = 0;        // of Spec::elements
  std::vector<float> at;  // one for each of its coordinates
};

class EpisodeBuilder {
 public:
  // Throws where the widths do not fit options.spec. path and what: "PATH: what" opens messages about observations.
  EpisodeBuilder(const ReadOptions& options, std::string path, std::string what, int width, int action_dim);
  // The next episode: actions [T][action_dim], observations [T or more][width], of which the first T are used.
  void add(std::span<const float> observations, std::span<const float> actions);
  // The goal of the last episode: its first state with elements where they are wanted. Its name: the elements in the
  // order in which the episode completes them, those that it does not last.
  void set_goal(std::span<const Wanted> wanted);
  // What was added. Goals are kept where every episode has one; otherwise they are left out, with a note.
  Dataset finish();

 private:
  void add_goal(std::span<const float> observations, std::int64_t steps);

  const ReadOptions& options_;
  std::string path_, what_;
  int width_;
  std::vector<int> state_, goal_;  // columns
  Dataset data_;
  std::vector<float> targets_;      // [E][S], zeros where an episode has none
  std::vector<std::string> names_;  // [E]
  int goals_ = 0;
};

// Throws unless the data is valid, fits options.spec and is within bounds.
void check_read(const Dataset& data, const std::string& path, const ReadOptions& options);

// Appends "PATH: what" where notes are wanted.
void add_note(const ReadOptions& options, const std::string& path, const std::string& what);

}  // namespace baton::rl
