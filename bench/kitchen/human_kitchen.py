#!/usr/bin/env python3
"""Learning from 19 recordings of people on the original kitchen: every row of docs/results.md's table.

    python3 bench/kitchen/human_kitchen.py --model MODEL.xml --demos DEMOS.h5 [--rows a,b] [--seeds 1,2,3,4,5]
    python3 bench/kitchen/human_kitchen.py --table

MODEL.xml: kitchen_env_model.xml of Gymnasium-Robotics. DEMOS.h5: D4RL's flat form of kitchen-complete. Needs h5py where a
row uses fewer recordings, and build/baton. A line of JSON a training seed is appended to docs/results/human_kitchen.jsonl; a
row, method and seed that are there are not made again. --table prints the lines as a table in Markdown: means and standard
errors over training seeds.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BATON = os.environ.get("BATON_BINARY", os.path.join(ROOT, "build", "baton"))
LINES = os.path.join(ROOT, "docs", "results", "human_kitchen.jsonl")
GOAL = "microwave_kettle_switch_slide"
NOISY = ["--noise", "0.1", "--start-spread", "0.1"]
EVALUATIONS = {
    "protocol D": [],
    "noise, starts": NOISY,
    "starts 0.3 rad": ["--start-spread", "0.3"],
    "kettle 3 cm": ["--displace", "kettle=0.03"],
    "pushed": ["--push", "5"],
}
TUNED = ["--variant", "iril", "--set", "finetune.iterations=40", "--set", "finetune.eval_every=5"]
# Name: recordings, settings of imitate beyond the preset, evaluations, arguments of finetune or None.
ALL = list(EVALUATIONS)
ROWS = {
    "kettle 3 cm and fine-tuned": (19, [], ["kettle 3 cm"], [*TUNED, *EVALUATIONS["kettle 3 cm"]]),
    "pushed and fine-tuned": (19, [], ["pushed"], [*TUNED, *EVALUATIONS["pushed"]]),
    "noise and starts and fine-tuned": (19, [], ALL[:3], [*TUNED, *NOISY]),
    "1 recording and fine-tuned": (1, [], ALL[:2], [*TUNED, *NOISY]),
    "recipe": (19, [], ALL, None),
    "5 recordings": (5, [], ALL[:2], None),
    "1 recording": (1, [], ALL[:2], None),
    "2019 recipe": (19, ["--preset", "relay2019"], ALL[:2], None),
    "no noise on states": (19, ["--set", "imitate.state_noise=0"], ALL[:2], None),
    "no noise on goals": (19, ["--set", "imitate.goal_noise=0"], ALL[:2], None),
    "velocity labels": (19, ["--set", "policy.labels=velocity"], ALL[:2], None),
    "relative labels": (19, ["--set", "policy.labels=relative"], ALL[:2], None),
    "one action": (19, ["--set", "policy.chunk=1", "--set", "policy.execute=1"], ALL[:2], None),
    "chunk of 16": (19, ["--set", "policy.chunk=16", "--set", "policy.execute=8"], ALL[:2], None),
    "likelihood": (19, ["--set", "imitate.loss=nll"], ALL[:2], None),
    "all coordinates": (19, ["--set", "policy.observe=all"], ALL[:2], None),
    "no moving average": (19, ["--set", "imitate.average=0"], ALL[:2], None),
    "tanh": (19, ["--set", "policy.activation=tanh"], ALL[:2], None),
}


def run(arguments):
    start = time.perf_counter()
    done = subprocess.run([BATON, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"baton {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - start


def first_recordings(path, count, folder):
    """A file of the first `count` recordings."""
    import h5py
    import numpy as np

    out = os.path.join(folder, f"first_{count}.h5")
    with h5py.File(path) as f, h5py.File(out, "w") as g:
        ends = np.nonzero(f["timeouts"][:].astype(bool) | f["terminals"][:].astype(bool))[0] + 1
        for key in ("observations", "actions", "terminals", "timeouts"):
            g[key] = f[key][: ends[count - 1]]
    return out


def evaluate(policy, name, model, folder):
    path = os.path.join(folder, "eval.json")
    seconds = run(["eval", "--policy", policy, "--goals", GOAL, "--episodes", "50", "--model", model, "--json", path,
                   *EVALUATIONS[name]])
    with open(path) as f:
        goal = json.load(f)["goals"][0]
    return {"tasks": goal["step_completion"], "success": goal["success"], "seconds": round(seconds, 1)}


def make(row, method, seed, options, folder):
    recordings, settings, evaluations, tuning = ROWS[row]
    demos = options.demos if recordings == 19 else first_recordings(options.demos, recordings, folder)
    out = os.path.join(folder, "run")
    preset = [] if "--preset" in settings else ["--preset", "human"]
    seconds = run(["imitate", "--demos", demos, "--method", method, "--seed", str(seed), "--out", out, "--force",
                   "--model", options.model, *preset, *settings])
    line = {"row": row, "method": method, "seed": seed, "train_seconds": round(seconds, 1)}
    if tuning is not None:
        line["before"] = {name: evaluate(out, name, options.model, folder) for name in evaluations}
        tuned = os.path.join(folder, "tuned")
        line["tune_seconds"] = round(run(["finetune", "--init", out, "--goal", GOAL, "--demos", demos, "--seed", str(seed),
                                          "--model", options.model, "--out", tuned, *tuning]), 1)
        with open(os.path.join(tuned, "metrics.jsonl")) as f:
            line["env_steps"] = json.loads(f.readlines()[-1])["env_steps"]
        out = tuned
    line["eval"] = {name: evaluate(out, name, options.model, folder) for name in evaluations}
    return line


def read_lines():
    if not os.path.exists(LINES):
        return []
    with open(LINES) as f:
        return [json.loads(line) for line in f]


def mean_error(values):
    mean = sum(values) / len(values)
    error = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values)) if len(values) > 1 else 0
    return mean, error


def table():
    lines = read_lines()
    print("| row | method | seeds | evaluation | tasks of 4 | success % |\n|---|---|---|---|---|---|")
    for row, method in dict.fromkeys((line["row"], line["method"]) for line in lines):
        of = [line for line in lines if (line["row"], line["method"]) == (row, method)]
        for name in of[0]["eval"]:
            tasks = mean_error([line["eval"][name]["tasks"] for line in of])
            success = mean_error([100 * line["eval"][name]["success"] for line in of])
            print(f"| {row} | {method} | {len(of)} | {name} | {tasks[0]:.2f} +- {tasks[1]:.2f} | "
                  f"{success[0]:.1f} +- {success[1]:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--demos")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--methods", default="ril,bc")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        return table()
    if not options.model or not options.demos:
        parser.error("--model and --demos are required")
    done = {(line["row"], line["method"], line["seed"]) for line in read_lines()}
    os.makedirs(os.path.dirname(LINES), exist_ok=True)
    for row in options.rows.split(","):
        if row not in ROWS:
            parser.error(f"no row '{row}': {', '.join(ROWS)}")
        for method in options.methods.split(","):
            for seed in map(int, options.seeds.split(",")):
                if (row, method, seed) in done:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    line = make(row, method, seed, options, folder)
                with open(LINES, "a") as f:
                    f.write(json.dumps(line) + "\n")
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
