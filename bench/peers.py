"""Prints our figures as multiples of the peers' (MuJoCo raced ours in sim_testspeed_bench; NumPy is timed here).

Run by bench.sh: peers.py BUILD_FOLDER.
"""
import json
import pathlib
import sys
import time

import numpy


def load(build, name):
    """The benchmarks of one result file; none where it was filtered away or failed."""
    path = pathlib.Path(build) / f"{name}.json"
    text = path.read_text() if path.exists() else ""
    return [b for b in json.loads(text)["benchmarks"] if not b.get("error_occurred")] if text else []


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
    races, passes = load(build, "sim_testspeed"), load(build, "learning_mlp")
    print()
    for race in races:
        ratios = {k[: -len("_ratio")]: v for k, v in race.items() if k.endswith("_ratio")}
        for name, ratio in ratios.items():
            print(f"{race['name']} {name} 1 thread: {race[name + '_per_second']:.0f} steps/s, {ratio:.1f} times MuJoCo")
        if "two_threads_over_one" in race:
            print(f"{race['name']} lanes 2 threads: {race['lanes_2_threads_per_second']:.0f} steps/s, "
                  f"{race['two_threads_over_one']:.2f} times one")
    for item in passes:
        if "forward" in item["name"] and "items_per_second" in item:
            other = numpy_forward(int(item["name"].rsplit("/", 1)[1]))
            rate = item["items_per_second"]
            print(f"{item['name']}: {rate:.0f} rows/s, {rate / other:.2f} times NumPy")


main()
