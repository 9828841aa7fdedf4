"""Times the peers and prints our figures as multiples of theirs. Run by bench.sh: peers.py BUILD_FOLDER."""
import json
import pathlib
import sys
import time

import mujoco
import numpy


def ours(build, name):
    """Items per second of every benchmark in one result file."""
    report = json.loads((pathlib.Path(build) / f"{name}.json").read_text())
    return {b["name"]: b["items_per_second"] for b in report["benchmarks"] if "items_per_second" in b}


def best_rate(run, items, seconds=2.0):
    """Items per second of processor time, as Google Benchmark counts ours; the fastest of several repetitions."""
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        count, start = 0, time.process_time()
        while time.process_time() - start < 0.1:
            run()
            count += items
        best = max(best, count / (time.process_time() - start))
    return best


def mujoco_steps():
    model = mujoco.MjModel.from_xml_path("envs/kitchen/kitchen.xml")
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    data.ctrl[:] = data.qpos[: model.nu]
    return best_rate(lambda: mujoco.mj_step(model, data, 400), 400)


def numpy_forward(rows):
    rng = numpy.random.default_rng(0)
    sizes = [60, 256, 256, 9]
    weights = [rng.standard_normal((a, b), dtype=numpy.float32) for a, b in zip(sizes, sizes[1:])]
    x = rng.standard_normal((rows, 60), dtype=numpy.float32)

    def forward():
        y = x
        for w in weights[:-1]:
            y = numpy.tanh(y @ w)
        return y @ weights[-1]

    return best_rate(forward, rows)


def main():
    build = sys.argv[1]
    steps, passes = ours(build, "sim"), ours(build, "learning")
    peer = mujoco_steps()
    print(f"\n{'':32}{'ours /s':>12}{'peer /s':>12}{'ratio':>8}")
    for name, rate in steps.items():
        print(f"{name:32}{rate:12.0f}{peer:12.0f}{rate / peer:8.2f}  MuJoCo {mujoco.__version__}")
    for name, rate in passes.items():
        rows = int(name.rsplit("/", 1)[1])
        if "forward" in name:
            other = numpy_forward(rows)
            print(f"{name:32}{rate:12.0f}{other:12.0f}{rate / other:8.2f}  NumPy")


main()
