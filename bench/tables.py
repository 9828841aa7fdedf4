"""Prints what the benchmarks measured as tables: ours, the share of the limit, the peer, the ratio, the target.

Run by bench.sh: tables.py BUILD_FOLDER. The peers have run beside ours (bench/sim/contestants.cpp,
bench/learning/peer.py); nothing is timed here.
"""
import json
import pathlib
import sys

# Benchmark -> share of its limit and multiple of its peer that are aimed at on one thread (None: no aim).
LEARNING_AIMS = {
    "gemm": (0.85, 1), "gemm_at": (0.85, 1), "gemm_bt": (0.85, 1),
    "bulk": (0.85, 1), "bulk_at": (0.85, 1), "bulk_bt": (0.85, 1),
    "bc_step": (0.7, 4), "bc_step_chunks": (0.63, None), "fisher_vector_product": (0.7, 5), "npg_update": (0.7, 5),
    "policy_forward/1": (None, None), "policy_forward/16": (None, None), "policy_forward/1024": (0.8, None),
    "relabel": (0.5, None),
}


def load(build, name):
    """The benchmarks of one result file; none where it was filtered away or failed."""
    path = pathlib.Path(build) / f"{name}.json"
    text = path.read_text() if path.exists() else ""
    return [b for b in json.loads(text)["benchmarks"] if not b.get("error_occurred")] if text else []


def print_simulator(races):
    for race in races:
        for key, ratio in race.items():
            if key.endswith("_ratio"):
                name = key[: -len("_ratio")]
                print(f"{race['name']} {name} 1 thread: {race[name + '_per_second']:.0f} steps/s, {ratio:.1f} times MuJoCo")
        if "two_threads_over_one" in race:
            print(f"{race['name']} lanes 2 threads: {race['lanes_2_threads_per_second']:.0f} steps/s, "
                  f"{race['two_threads_over_one']:.2f} times one")


def print_kitchen(results):
    """Actions of the environment a second; 50 times EnvPool is aimed at on the original model."""
    print("| environment | ours, actions/s | MuJoCo | times MuJoCo | EnvPool | times EnvPool (aim 50) |")
    print("|---|---|---|---|---|---|")
    for item in results:
        cells = [f"{item['actions_per_second']:.0f}"]
        for peer in ("mujoco", "envpool"):
            there = f"times_{peer}" in item
            cells += [f"{item[peer + '_per_second']:.0f}", f"{item['times_' + peer]:.1f}"] if there else ["", ""]
        print(f"| {item['name'].split('/iterations:')[0]} | {' | '.join(cells)} |")


def microseconds(value):
    return f"{value:.3g} us" if value < 1000 else f"{value / 1000:.4g} ms"


def print_learning(results):
    """One line a benchmark and number of threads; two threads are held against one."""
    results = {item["name"].split("/iterations:")[0]: item for item in results}
    print("| benchmark | ours | GFLOP/s | of limit | peer | times peer | times 1 thread | aim |")
    print("|---|---|---|---|---|---|---|---|")
    for name, item in results.items():
        if "us" not in item:
            print(f"| {name} | | {item['GFLOP/s']:.0f} | | | | | |")
            continue
        base, _, threads = name.partition("/threads:")
        share, multiple = next((aim for key, aim in LEARNING_AIMS.items()
                                if base == key or base.startswith(key + "/")), (None, None))
        aims = [f"{share:.0%} of limit"] if share else []
        aims += [f"{multiple} x peer"] if multiple else []
        aims += ["4 us"] if base == "policy_forward/1" else []
        one = results.get(base)
        speedup = f"{one['us'] / item['us']:.2f}" if threads and one else ""
        peer = (microseconds(item["peer_us"]), f"{item['times_peer']:.2f}") if "peer_us" in item else ("", "")
        rate = f"{item['GFLOP/s']:.0f}" if "GFLOP/s" in item else ""
        print(f"| {name} | {microseconds(item['us'])} | {rate} | {item['of_limit']:.0%} | {peer[0]} | {peer[1]} | "
              f"{speedup} | {'1.8 x 1 thread' if threads else ', '.join(aims)} |")


def main():
    build = sys.argv[1]
    print()
    print_simulator(load(build, "sim_testspeed"))
    print()
    print_kitchen(load(build, "kitchen_steps"))
    print()
    print_learning(load(build, "learning"))


main()
