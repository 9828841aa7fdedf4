// BeT's three arrays.
#include <cmath>

#include "envs/kitchen/goals.hpp"
#include "rl/data/demonstrations.hpp"
#include "rl/data/npy.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

namespace {

using Values = std::vector<double>;
using Shape = std::vector<std::int64_t>;

// Episodes of 3, 0 and 2 steps, padded to 3: state (n, t, i) = 100 n + 10 t + i, action n / 10.
struct Arrays {
  Shape observations_shape{3, 3, 2}, actions_shape{3, 3, 1}, mask_shape{3, 3};
  Values observations, actions, mask;
  explicit Arrays(bool time_first = true) {
    const int lengths[] = {3, 0, 2};
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b) {
        const int t = time_first ? a : b, n = time_first ? b : a;
        const bool real = t < lengths[n];
        for (int i = 0; i < 2; ++i) observations.push_back(real ? 100 * n + 10 * t + i : NAN);
        actions.push_back(real ? 0.1 * n : 0);
        mask.push_back(real);
      }
    }
  }
  void write(const TemporaryFolder& folder) const {
    write_npy(folder.file("observations_seq.npy"), observations_shape, observations);
    write_npy(folder.file("actions_seq.npy"), actions_shape, actions);
    write_npy(folder.file("existence_mask.npy"), mask_shape, mask);
  }
};

std::string refused(const Arrays& arrays, const ReadOptions& options = {}) {
  const TemporaryFolder folder;
  arrays.write(folder);
  const std::string message = error_of([&] { read_demonstrations(folder.path, options); });
  CHECK(message.starts_with(folder.path));
  return message;
}

}  // namespace

TEST_CASE("BeT: the mask says what is real, time first or episodes first") {
  for (const bool time_first : {true, false}) {
    CAPTURE(time_first);
    const TemporaryFolder folder;
    Arrays(time_first).write(folder);
    std::vector<std::string> notes;
    const Dataset data = read_demonstrations(folder.path, {.notes = &notes});
    CHECK(data.offsets == std::vector<std::int64_t>{0, 3, 5});
    CHECK(data.states == std::vector<float>{0, 1, 10, 11, 20, 21, 200, 201, 210, 211});
    CHECK(data.actions == std::vector<float>{0, 0, 0, 0.2f, 0.2f});
    CHECK(data.goal_targets.empty());
    REQUIRE(notes.size() == (time_first ? 1 : 2));
    CHECK(contains(notes.back(), "1 episodes without a step; skipped"));
    if (!time_first) CHECK(contains(notes[0], "arrays are (episodes, steps), by their mask"));
  }
}

TEST_CASE("BeT: the kitchen's 60 columns of state and zeros are its state, without a goal") {
  const envs::Spec& spec = envs::kitchen_spec();
  Arrays arrays;
  arrays.observations_shape = {2, 1, 60}, arrays.actions_shape = {2, 1, 9}, arrays.mask_shape = {2, 1};
  arrays.observations.assign(120, 0);
  for (int i = 0; i < 30; ++i) arrays.observations[i] = arrays.observations[60 + i] = i;
  arrays.actions.assign(18, 0.5);
  arrays.mask = {1, 1};
  const TemporaryFolder folder;
  arrays.write(folder);
  const Dataset data = read_demonstrations(folder.path, {.spec = &spec});
  CHECK(data.state_dim == 30);
  CHECK(data.states[29] == 29);
  CHECK(data.goal_targets.empty());
  CHECK(read_demonstrations(folder.path).state_dim == 60);
}

TEST_CASE("BeT: arrays that disagree, masks that are none and numbers that are none are refused by file") {
  Arrays arrays;
  arrays.actions_shape = {9, 1, 1};
  CHECK(contains(refused(arrays), "actions_seq.npy: shape (9, 1, 1), existence_mask.npy has (3, 3)"));
  arrays = Arrays();
  arrays.observations_shape = {9, 2};
  CHECK(
      contains(refused(arrays), "observations_seq.npy: shape (9, 2), (steps, episodes, width) is expected"));
  arrays = Arrays();
  arrays.mask_shape = {9};
  CHECK(contains(refused(arrays), "existence_mask.npy: shape (9,), (steps, episodes) is expected"));
  arrays = Arrays();
  arrays.mask[4] = 0.5;
  CHECK(contains(refused(arrays), "existence_mask.npy: value 4 is 0.5, 0 or 1 is expected"));
  arrays.mask[4] = NAN;
  CHECK(contains(refused(arrays), "existence_mask.npy: value 4 is nan"));
  arrays = Arrays();
  arrays.mask = {1, 0, 1, 0, 1, 0, 1, 0, 1};
  CHECK(contains(refused(arrays), "ones do not stand at the front"));
  arrays = Arrays();
  arrays.mask.assign(9, 0);
  CHECK(contains(refused(arrays), "no episodes"));
  arrays = Arrays();
  arrays.observations[0] = NAN;
  CHECK(contains(refused(arrays), "observations row 0 column 0 is nan"));
  const envs::Spec spec = plain_spec(3, 1);
  CHECK(
      contains(refused(Arrays(), {.spec = &spec}), "observations_seq.npy is 2 wide, a state of plain has 3"));
  CHECK(contains(refused(Arrays(), {.obs_keys = {"a"}}), "--obs-keys is for several"));
  const TemporaryFolder folder;
  Arrays().write(folder);
  std::filesystem::remove(folder.file("existence_mask.npy"));
  CHECK(error_of([&] { read_demonstrations(folder.path); }) ==
        folder.path + "/existence_mask.npy: no such file");
}
