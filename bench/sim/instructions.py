"""What the instructions of a tile's step are (docs/performance.md): instructions.py build/bench/sim_instructions

Runs the program, which counts them, and sorts them by what they do and by function. Needs objdump and c++filt.
"""
import collections
import re
import subprocess
import sys

STEPS = 10  # kCounted of instructions.cpp


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def kind(name, operands):
    """One of a few classes, of an instruction in Intel's syntax."""
    memory, vector = "[" in operands, "mm" in operands
    if vector and name.startswith("v"):
        if "mov" in name or "broadcast" in name:
            return "vector store" if "[" in operands.split(",")[0] else "vector load" if memory else "vector move"
        wide = "zmm" in operands or ("ymm" in operands and "ps" in name)
        return "vector arithmetic" if wide else "vector, narrow"
    if name.startswith("j") or name in ("call", "ret"):
        return "branch"
    return "scalar, memory" if memory else "scalar"


def main(program):
    counts = {int(a, 16): int(n) for a, n in (line.split() for line in run(program).splitlines())}
    functions = collections.defaultdict(collections.Counter)
    function, found = "", 0
    for line in run("objdump", "-d", "--no-show-raw-insn", "-M", "intel", program).splitlines():
        if label := re.match(r"[0-9a-f]+ <(.*)>:", line):
            function = label[1]
        elif instruction := re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*(.*)", line):
            count = counts.get(int(instruction[1], 16), 0)
            if count:
                functions[function][kind(instruction[2], instruction[3])] += count
                found += count
    total = sum(counts.values())
    print(f"{total / STEPS:.0f} instructions a tile step, {(total - found) / STEPS:.0f} of them in shared libraries")
    classes = sum(functions.values(), collections.Counter())
    for name, n in classes.most_common():
        print(f"{n / STEPS:8.0f}  {name}")
    print("\nby function")
    top = sorted(functions, key=lambda f: -functions[f].total())[:25]
    for f, name in zip(top, run("c++filt", text="\n".join(top)).splitlines()):
        short = re.sub(r"baton::sim::|\(.*", "", name)[:70]
        print(f"{functions[f].total() / STEPS:8.0f}  {short:70s}",
              ", ".join(f"{n / STEPS:.0f} {k}" for k, n in functions[f].most_common(4)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
