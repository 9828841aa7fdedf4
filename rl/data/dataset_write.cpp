#include "kernels/error.hpp"
#include "rl/data/dataset.hpp"
#include "rl/data/hdf5_file.hpp"

namespace baton::rl {

struct DatasetWriter::Parts {
  explicit Parts(const std::string& to) : path(to), file(Hdf5File::create(to)) {}
  std::string path;
  Hdf5File file;
  Dataset episodes;  // of all parts, without their steps; lengths in `lengths`
  std::vector<std::int64_t> lengths;
  bool has_qpos = false, has_qvel = false;
};

DatasetWriter::DatasetWriter(const std::string& path) : parts_(std::make_unique<Parts>(path)) {}
DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const Dataset& part) {
  Parts& p = *parts_;
  validate(part, p.path);
  const bool first = p.lengths.empty();
  if (first) {
    p.has_qpos = !part.qpos.empty(), p.has_qvel = !part.qvel.empty();
    p.episodes.state_dim = part.state_dim, p.episodes.action_dim = part.action_dim;
    p.episodes.qpos_dim = part.qpos_dim, p.episodes.qvel_dim = part.qvel_dim;
  }
  Dataset& all = p.episodes;
  const auto same = [&](bool has, bool had) { return first || has == had; };
  BATON_REQUIRE(part.state_dim == all.state_dim && part.action_dim == all.action_dim &&
                    part.qpos_dim == all.qpos_dim && part.qvel_dim == all.qvel_dim &&
                    same(!part.qpos.empty(), p.has_qpos) && same(!part.qvel.empty(), p.has_qvel) &&
                    same(part.goal_names.empty(), all.goal_names.empty()) &&
                    same(part.goal_targets.empty(), all.goal_targets.empty()) &&
                    same(part.seeds.empty(), all.seeds.empty()),
                "{}: a part of other arrays or widths than the first", p.path);
  const std::size_t n = static_cast<std::size_t>(part.steps());
  std::vector<std::uint8_t> terminals(n, 0), timeouts(n, 0);
  for (int e = 0; e < part.episodes(); ++e) {
    const std::size_t last = static_cast<std::size_t>(part.offsets[static_cast<std::size_t>(e) + 1]) - 1;
    p.lengths.push_back(part.length(e));
    timeouts[last] = 1;
    terminals[last] = !part.completed.empty() && part.completed[static_cast<std::size_t>(e)] != 0;
  }
  const auto width = [](int numbers) { return static_cast<std::uint64_t>(numbers); };
  p.file.append<float>("observations", part.states, width(part.state_dim));
  p.file.append<float>("actions", part.actions, width(part.action_dim));
  p.file.append<std::uint8_t>("terminals", terminals, 0);
  p.file.append<std::uint8_t>("timeouts", timeouts, 0);
  if (p.has_qpos) p.file.append<double>("infos/qpos", part.qpos, width(part.qpos_dim));
  if (p.has_qvel) p.file.append<double>("infos/qvel", part.qvel, width(part.qvel_dim));
  const auto keep = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  keep(all.goal_names, part.goal_names);
  keep(all.goal_targets, part.goal_targets);
  keep(all.seeds, part.seeds);
}

void DatasetWriter::commit() {
  Parts& p = *parts_;
  const std::uint64_t episodes = p.lengths.size();
  BATON_REQUIRE(episodes > 0, "{}: no episodes", p.path);
  p.file.write<std::int64_t>("episode_lengths", p.lengths, {episodes});
  if (!p.episodes.goal_names.empty()) p.file.write_strings("episode_goals", p.episodes.goal_names);
  if (!p.episodes.goal_targets.empty())
    p.file.write<float>("episode_targets", p.episodes.goal_targets,
                        {episodes, static_cast<std::uint64_t>(p.episodes.state_dim)}, true);
  if (!p.episodes.seeds.empty()) p.file.write<std::uint64_t>("episode_seeds", p.episodes.seeds, {episodes});
  p.file.commit();
}

void write_dataset(const Dataset& data, const std::string& path) {
  DatasetWriter writer(path);
  writer.append(data);
  writer.commit();
}

}  // namespace baton::rl
