// BeT's three arrays: episodes of different lengths padded to one.
#include <algorithm>
#include <optional>
#include <span>

#include "kernels/error.hpp"
#include "rl/data/episodes.hpp"
#include "rl/data/npy.hpp"

namespace baton::rl {
namespace {

using Shape = std::vector<std::int64_t>;

// Where step t of episode n stands: t step_stride + n episode_stride.
struct Order {
  std::int64_t episodes, steps, episode_stride, step_stride;
};

// Steps of each episode, or nothing where what exists does not stand at its front.
std::optional<std::vector<std::int64_t>> lengths_in(const std::vector<float>& mask, const Order& order) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t n = 0; n < order.episodes; ++n) {
    const auto at = [&](std::int64_t t) {
      return mask[static_cast<std::size_t>(t * order.step_stride + n * order.episode_stride)] != 0;
    };
    std::int64_t length = 0;
    while (length < order.steps && at(length)) ++length;
    for (std::int64_t t = length; t < order.steps; ++t) {
      if (at(t)) return {};
    }
    lengths.push_back(length);
  }
  return lengths;
}

struct Files {
  explicit Files(const std::string& folder)
      : observations(folder + "/observations_seq.npy"),
        actions(folder + "/actions_seq.npy"),
        mask(folder + "/existence_mask.npy") {
    const auto require_rank = [](const NpyFile& file, std::size_t rank, const char* wanted) {
      BATON_REQUIRE(file.shape().size() == rank, "{}: shape {}, {} is expected", file.path(),
                    format_shape(file.shape()), wanted);
    };
    require_rank(mask, 2, "(steps, episodes)");
    for (const NpyFile* file : {&observations, &actions}) {
      require_rank(*file, 3, "(steps, episodes, width)");
      const Shape& shape = file->shape();
      BATON_REQUIRE(shape[0] == mask.shape()[0] && shape[1] == mask.shape()[1],
                    "{}: shape {}, existence_mask.npy has {}: steps and episodes must agree", file->path(),
                    format_shape(shape), format_shape(mask.shape()));
      BATON_REQUIRE(shape[2] >= 1 && shape[2] <= kMostWidth, "{}: {} wide, 1..{} is expected", file->path(),
                    shape[2], kMostWidth);
    }
  }
  NpyFile observations, actions, mask;
};

void require_flags(const std::vector<float>& mask, const std::string& path) {
  const auto bad = std::ranges::find_if(mask, [](float one) { return !(one == 0 || one == 1); });
  BATON_REQUIRE(bad == mask.end(), "{}: value {} is {}, 0 or 1 is expected", path, bad - mask.begin(), *bad);
}

// Rows of one episode, one after another.
std::vector<float> rows_of(const std::vector<float>& all, const Order& order, std::int64_t episode,
                           std::int64_t steps, std::int64_t width) {
  std::vector<float> rows;
  rows.reserve(static_cast<std::size_t>(steps * width));
  for (std::int64_t t = 0; t < steps; ++t) {
    const float* row = all.data() + (t * order.step_stride + episode * order.episode_stride) * width;
    rows.insert(rows.end(), row, row + width);
  }
  return rows;
}

}  // namespace

Dataset read_bet(const std::string& folder, const ReadOptions& options) {
  const Files files(folder);
  const Shape& shape = files.mask.shape();
  BATON_REQUIRE(options.obs_keys.empty(), "{}: one array holds the observations; --obs-keys is for several",
                folder);
  const std::int64_t width = files.observations.shape()[2], action_dim = files.actions.shape()[2];
  EpisodeBuilder builder(options, folder, "observations_seq.npy", static_cast<int>(width),
                         static_cast<int>(action_dim));
  const std::vector<float> mask = files.mask.read<float>();
  require_flags(mask, files.mask.path());
  Order order = {shape[1], shape[0], 1, shape[1]};
  auto lengths = lengths_in(mask, order);
  if (!lengths) {
    order = {shape[0], shape[1], shape[1], 1};
    lengths = lengths_in(mask, order);
    BATON_REQUIRE(
        lengths.has_value(),
        "{}: ones do not stand at the front of its columns, as in (steps, episodes), nor of its rows",
        files.mask.path());
    add_note(options, folder, "arrays are (episodes, steps), by their mask");
  }
  const std::vector<float> observations = files.observations.read<float>(),
                           actions = files.actions.read<float>();
  int empty = 0;
  for (std::int64_t n = 0; n < order.episodes; ++n) {
    const std::int64_t steps = (*lengths)[static_cast<std::size_t>(n)];
    if (steps == 0) ++empty;
    if (steps == 0) continue;
    builder.add(rows_of(observations, order, n, steps, width), rows_of(actions, order, n, steps, action_dim));
  }
  if (empty > 0) add_note(options, folder, fmt::format("{} episodes without a step; skipped", empty));
  Dataset data = builder.finish();
  check_read(data, folder, options);
  return data;
}

}  // namespace baton::rl
