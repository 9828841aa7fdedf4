"""How far trajectories part on the original kitchen (docs/fidelity.md): parting.py BATON SHARED_FOLDER

The controls of demos_dev.h5, from each recorded first state, in `baton simulate` (double), in the newest MuJoCo and in
the MuJoCo 2.2.2 that recorded them. For each episode: the first action after which the two differ by more than 1e-6
(rad or m) in any coordinate, and the largest difference of the whole episode. Needs mujoco, numpy, h5py.
"""
import pathlib
import subprocess
import sys
import tempfile

import h5py
import mujoco
import numpy

HELD = 40  # steps of an action
LOW = numpy.array([-2.9, -1.8, -2.9, -3.1, -2.9, 0, -2.9, 0, 0])
HIGH = numpy.array([2.9, 1.8, 2.9, 0, 2.9, 3.8, 2.9, 0.04, 0.04])


def ours(baton, model, state, ctrl):
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/{n}.npy" for n in ("state", "ctrl", "out")]
        numpy.save(names[0], state)
        numpy.save(names[1], ctrl)
        subprocess.run([baton, "simulate", model, "--steps", str(len(ctrl)), "--state", names[0], "--ctrl", names[1],
                        "--precision", "double", "--out", names[2]], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return numpy.load(names[2])[::HELD, :30]


def theirs(model, state, ctrl):
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = state[:30], state[30:]
    rows = [data.qpos.copy()]
    for k, u in enumerate(ctrl):
        data.ctrl[:] = u
        mujoco.mj_step(model, data)
        if (k + 1) % HELD == 0:
            rows.append(data.qpos.copy())
    return numpy.array(rows)


def parting(a, b):
    """First action after which they differ, and the largest difference."""
    n = min(len(a), len(b))
    error = numpy.abs(a[:n] - b[:n]).max(axis=1)
    apart = numpy.flatnonzero(error > 1e-6)
    return (apart[0] if len(apart) else n), error.max()


def main(baton, shared):
    path = str(pathlib.Path(shared) / "franka_kitchen/kitchen_assets/kitchen_env_model.xml")
    model = mujoco.MjModel.from_xml_path(path)
    file = h5py.File(pathlib.Path(shared) / "demos_mujoco/demos_dev.h5")
    qpos, qvel = file["infos/qpos"][:], file["infos/qvel"][:]
    target = numpy.clip(file["observations"][:, :9].astype(float) + 0.16 * file["actions"][:].astype(float), LOW, HIGH)
    pairs = {f"ours, MuJoCo {mujoco.__version__}": [], "ours, recording": [],
             f"MuJoCo {mujoco.__version__}, recording": []}
    first = 0
    for length in file["episode_lengths"][:]:
        state = numpy.concatenate([qpos[first], qvel[first]])
        ctrl = numpy.repeat(target[first:first + length], HELD, axis=0)
        mine, newest = ours(baton, path, state, ctrl), theirs(model, state, ctrl)
        recorded = qpos[first:first + length]
        for results, (a, b) in zip(pairs.values(), [(mine, newest), (mine, recorded), (newest, recorded)]):
            results.append(parting(a, b))
        first += length
    print(f"{'':<28} {'parting at action':>24} {'largest difference':>26}")
    print(f"{'':<28} {'least':>8}{'median':>8}{'most':>8} {'least':>8}{'median':>9}{'most':>9}")
    for name, results in pairs.items():
        at, size = numpy.array(results).T
        print(f"{name:<28} {at.min():8.0f}{numpy.median(at):8.0f}{at.max():8.0f} "
              f"{size.min():8.1e}{numpy.median(size):9.1e}{size.max():9.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
