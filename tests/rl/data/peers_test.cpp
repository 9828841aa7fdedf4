// Demonstrations that h5py and NumPy wrote, with whatever options people use.
#include <cstdlib>
#include <filesystem>

#include "rl/data/demonstrations.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using namespace baton::test;

namespace {

// Six steps in two episodes: state (t, i) = 2 t + i, action t / 10.
constexpr const char* kScript = R"(
import os, sys
import h5py, numpy as np

folder = sys.argv[1] + '/'
states = np.arange(12, dtype=np.float32).reshape(6, 2)
actions = (np.arange(6, dtype=np.float32) / 10).reshape(6, 1)
ends = np.array([0, 0, 1, 0, 0, 1], bool)

def flat(name, kinds=(np.float32, np.float32, bool), file={}, **options):
    with h5py.File(folder + name, 'w', **file) as f:
        for array, values, kind in zip(('observations', 'actions', 'timeouts'), (states, actions, ends), kinds):
            f.create_dataset(array, data=values.astype(kind), **options)

for lib in ('earliest', 'v108', 'v110', 'latest'):
    # What 'latest' writes may be newer than the library that reads it.
    kinds, start = (np.float32, np.float32, bool), 'either' if lib == 'latest' else 'same'
    for filters in ('none', 'gzip', 'lzf'):
        for shuffle in (False, True):
            for fletcher in (False, True):
                options = dict(chunks=(4, 1), shuffle=shuffle, fletcher32=fletcher) if filters == 'none' else \
                    dict(compression=filters, shuffle=shuffle, fletcher32=fletcher)
                if filters == 'none':
                    with h5py.File(folder + f'{start}_{lib}_plain_{shuffle}{fletcher}.h5', 'w', libver=lib) as f:
                        f.create_dataset('observations', data=states.astype(kinds[0]), **options)
                        f.create_dataset('actions', data=actions.astype(kinds[1]), **options)
                        f.create_dataset('timeouts', data=ends.astype(kinds[2]))
                else:
                    flat(f'{start}_{lib}_{filters}_{shuffle}{fletcher}.h5', kinds, dict(libver=lib), **options)
    with h5py.File(folder + f'{start}_{lib}_grown.h5', 'w', libver=lib) as f:
        for array, values in ('observations', states), ('actions', actions), ('timeouts', ends.astype(np.uint8)):
            made = f.create_dataset(array, data=values[:4], maxshape=(None,) + values.shape[1:], chunks=True)
            made.resize(6, axis=0)
            made[4:] = values[4:]
    with h5py.File(folder + f'{start}_{lib}_dict.h5', 'w', libver=lib) as f:
        for k in range(2):
            f[f'episode_{k}/observations/observation'] = states[3 * k:3 * k + 3].astype(np.float64)
            f[f'episode_{k}/actions'] = actions[3 * k:3 * k + 3]
            f[f'episode_{k}'].attrs['seed'] = 7
flat('same_half.h5', (np.float16, np.float64, np.int64))
flat('same_big_endian.h5', ('>f8', '>f4', '>i2'))
flat('same_userblock.h5', file=dict(userblock_size=1024))
flat('same_floats_as_flags.h5', (np.float32, np.float32, np.float32))
flat('same_track_order.h5', file=dict(track_order=True))
flat('either_latest.h5', file=dict(libver='latest'))
with h5py.File(folder + 'either_latest.h5') as old, h5py.File(folder + 'same_rewritten.h5', 'w') as new:
    def copy(name, one):
        if isinstance(one, h5py.Dataset):
            new.create_dataset(name, data=one[()])
    old.visititems(copy)
np.savez(folder + 'other_numpy.npz', observations=states)
with h5py.File(folder + 'other_scaled.h5', 'w') as f:
    f.create_dataset('observations', data=states, scaleoffset=2)
    f['actions'] = actions

for name, kind in ('bet', np.float64), ('bet32', np.float32):
    os.mkdir(folder + name)
    np.save(folder + name + '/observations_seq.npy', states.reshape(2, 3, 2).transpose(1, 0, 2).astype(kind).copy())
    np.save(folder + name + '/actions_seq.npy', actions.reshape(2, 3, 1).transpose(1, 0, 2).astype(kind).copy())
    np.save(folder + name + '/existence_mask.npy', np.ones((3, 2), bool if kind == np.float32 else kind))
)";

void check_whole(const Dataset& data) {
  CHECK(data.offsets == std::vector<std::int64_t>{0, 3, 6});
  CHECK(data.states == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(data.actions == std::vector<float>{0, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f});
}

}  // namespace

TEST_CASE("peers: what h5py and NumPy write with any of the usual options is the same demonstrations") {
  const char* python = std::getenv("BATON_TEST_PYTHON");
  const std::string probe = std::string(python != nullptr ? python : "") + " -c 'import h5py' 2>/dev/null";
  if (python == nullptr || std::system(probe.c_str()) != 0) {
    MESSAGE("skipped: no Python with the package h5py");
    return;
  }
  const TemporaryFolder folder;
  write_text_atomic(folder.file("make.py"), kScript);
  REQUIRE(std::system(fmt::format("{} {} {}", python, folder.file("make.py"), folder.path).c_str()) == 0);
  int same = 0, either = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
    const std::string path = entry.path().string(), name = entry.path().filename().string();
    const bool may_be_newer = name.starts_with("either_");
    if (!name.starts_with("same_") && !name.starts_with("bet") && !may_be_newer) continue;
    CAPTURE(name);
    ++(may_be_newer ? either : same);
    try {
      check_whole(read_demonstrations(path));
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK_MESSAGE((may_be_newer && contains(message, ": in a form newer than HDF5")), message);
    }
  }
  CHECK(same == 50);
  CHECK(either == 15);
  const auto told = [&](const char* name) {
    return error_of([&] { read_demonstrations(folder.file(name)); });
  };
  CHECK(contains(told("other_numpy.npz"), "an archive of NumPy"));
  CHECK(contains(told("other_scaled.h5"), "observations: filtered by 6"));
}
