#!/usr/bin/env python3
"""What the compiler says of every CUDA kernel, and what the main ones must move: the tables of docs/performance.md.

    bench/cuda_report.py [--write] [TEXT.cu ...]     default: every .cu of the project but tests

Needs nvcc, not a GPU. Registers, spills, stack and shared memory are ptxas's for sm_90 (-Xptxas -v), of the instances
for float. The floors are counted, not measured: an H100 SXM moves at most 3.35 TB/s and does at most 67 TFLOP/s in
float without tensor cores (NVIDIA H100 Tensor Core GPU datasheet).
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- cuda_report.py -->\n", "<!-- end of cuda_report.py -->\n"
BYTES_PER_SECOND, FLOPS = 3.35e12, 67e12
FLAGS = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", "-DFMT_USE_CONSTEXPR=1", f"-I{ROOT}", "-gencode=arch=compute_90,code=sm_90", "-Xptxas", "-v",
         "-c", "-o", "/dev/null"]


def compile_report(nvcc, text):
    """[(kernel, registers, spilled bytes, stack bytes, shared bytes)] of one text."""
    out = subprocess.run([nvcc, *FLAGS, str(text)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f"cuda_report: nvcc on {text}:\n{out.stderr}")
    lines = subprocess.run(["c++filt"], input=out.stderr, capture_output=True, text=True, check=True).stdout
    pattern = (r"Compiling entry function '(.*?)' for 'sm_90'\n.*?\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores, "
               r"(\d+) bytes spill loads\n.*?Used (\d+) registers([^\n]*)")
    for name, stack, stores, loads, registers, rest in re.findall(pattern, lines, re.S):
        shared = re.search(r"(\d+) bytes smem", rest)
        yield short(name), int(registers), int(stores) + int(loads), int(stack), int(shared[1]) if shared else 0


def short(name):
    """kernel<what tells its instances apart>, without namespaces and arguments."""
    name = re.sub(r"\(anonymous namespace\)::|\bbaton::\w+::(cuda::)?|baton::kernels::|cuda::", "", name)
    depth = 0
    for i, c in enumerate(name):
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            name = name[:i]
            break
    return re.sub(r">\s+(?=>)", ">", name.removeprefix("void ").replace("(int)", ""))


def resources(nvcc, texts):
    rows = ["| text | kernel | registers | spills, bytes | stack, bytes | shared, bytes |", "|---|---|---|---|---|---|"]
    for text in texts:
        for name, registers, spills, stack, shared in sorted(set(compile_report(nvcc, text))):
            if "float" in name or "double" not in name:
                rows.append(f"| {text.relative_to(ROOT)} | `{name}` | {registers} | {spills} | {stack} | {shared} |")
    return rows


def floors():
    """(what, bytes it must move, operations): float arrays read and written once, functions counted as one operation."""
    parameters = 60 * 256 + 256 + 256 * 256 + 256 + 256 * 9 + 9 + 9
    n, out = 28000 * 256, 28000 * 9
    return [
        ("`bias_unary` tanh, 28000 x 256", 4 * (2 * n + 256), 2 * n),
        ("`bias_unary_vjp` tanh, 28000 x 256", 4 * (3 * n + 256), 4 * n),
        ("`layer_norm`, 28000 x 256", 4 * (2 * n + 2 * 256 + 2 * 28000), 8 * n),
        ("`gaussian_log_prob`, 28000 x 9", 4 * (2 * out + 9 + 28000), 7 * out),
        ("`gaussian_log_prob_vjp`, 28000 x 9", 4 * (3 * out + 2 * 9 + 28000), 8 * out),
        ("`gaussian_kl`, 28000 x 9", 4 * (2 * out + 2 * 9 + 28000), 10 * out),
        ("`gather_rows`, 4096 x 60", 4 * (2 * 4096 * 60 + 4096), 0),
        ("`fill_normal`, 4096 x 60", 4 * 4096 * 60, 0),
        (f"`adam`, {parameters} parameters", 4 * 7 * parameters, 14 * parameters),
        (f"`dot`, {parameters} parameters", 4 * 2 * parameters, 2 * parameters),
        ("`gemm` 28000 x 256 x 256", 4 * (2 * n + 256 * 256), 2 * n * 256),
        ("`gemm` 4096 x 256 x 256", 4 * (2 * 4096 * 256 + 256 * 256), 2 * 4096 * 256 * 256),
        ("`gemm` 4096 x 256 x 60", 4 * (4096 * (60 + 256) + 60 * 256), 2 * 4096 * 256 * 60),
    ]


def floor_table():
    rows = ["| call, float | bytes | operations | floor, microseconds | set by |", "|---|---|---|---|---|"]
    for what, moved, operations in floors():
        by_memory, by_arithmetic = moved / BYTES_PER_SECOND * 1e6, operations / FLOPS * 1e6
        bound = "memory" if by_memory >= by_arithmetic else "arithmetic"
        rows.append(f"| {what} | {moved:,} | {operations:,} | {max(by_memory, by_arithmetic):.2f} | {bound} |")
    return rows


def main():
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    if not pathlib.Path(nvcc).is_file():
        sys.exit("cuda_report: no nvcc here (CUDA Toolkit)")
    given = [pathlib.Path(a).resolve() for a in sys.argv[1:] if a != "--write"]
    texts = given or sorted(p for p in ROOT.glob("*/**/*.cu") if not str(p.relative_to(ROOT)).startswith(("build", "tests")))
    page = "\n".join(floor_table() + [""] + resources(nvcc, texts)) + "\n"
    if "--write" not in sys.argv:
        print(page, end="")
        return
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + page + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
