#!/usr/bin/env python3
"""Checks of the text itself: who includes whom, sizes, formatting, words. Run by test.sh from the root.

Each rule is one check; the last line is "lint: N passed, N failed". `lint.py --self-test` feeds every rule a
text that breaks it, so that no rule can go blind unnoticed.
"""
import pathlib
import re
import shutil
import subprocess
import sys

SOURCES = {".cpp", ".hpp", ".cu", ".cuh"}
TEXTS = SOURCES | {".md", ".sh", ".py", ".toml", ".xml", ".build", ".txt", ""}
FILE_LINES = 500
FUNCTION_LINES = 60
FOLDERS = ("kernels", "autograd", "rl", "envs", "cli", "tests", "bench")

# Folder -> what it may include of the project. Longest prefix wins on both sides.
MAY_INCLUDE = {
    "kernels": ("kernels",),
    "autograd": ("kernels", "autograd"),
    "rl": ("kernels", "autograd", "rl", "envs/env.hpp", "envs/demonstrator.hpp"),
    "envs": ("kernels", "envs"),
    "envs/sim": ("kernels", "envs/sim"),
    "cli": FOLDERS[:5],
    "tests": FOLDERS[:5] + ("tests",),
    "bench": FOLDERS[:5] + ("bench",),
}


def listed_files():
    """Tracked and new files, as git sees them; every file where there is no git (a released archive)."""
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
        names = out.stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        names = [str(p) for p in pathlib.Path(".").rglob("*") if not str(p).startswith(("build", "runs"))]
    return sorted({n for n in names if n and pathlib.Path(n).is_file()})


def folder_rule(name):
    fits = [f for f in MAY_INCLUDE if name.startswith(f + "/")]
    return MAY_INCLUDE[max(fits, key=len)] if fits else None


def includes(name, text):
    allowed = folder_rule(name)
    if allowed is None:
        return
    for number, line in enumerate(text.split("\n"), 1):
        quoted = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        angled = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
        if quoted and not quoted[1].endswith(".inc"):
            target = quoted[1]
            fits = any(target == a or target.startswith(a + "/") for a in allowed)
            if not fits and target.startswith(tuple(f + "/" for f in FOLDERS)):
                yield f"{name}:{number}: {target} is out of reach here (may include: {', '.join(allowed)})"
            elif not fits:
                yield f"{name}:{number}: {target}: write includes from the root of the project"
        if angled and angled[1].startswith(("mujoco", "Python.h")) and not name.startswith(("tests/", "bench/")):
            yield f"{name}:{number}: {angled[1]}: peers are for tests and benchmarks only"
        if angled and angled[1].startswith(("cuda", "cublas")) and not name.endswith((".cu", ".cuh")):
            yield f"{name}:{number}: {angled[1]}: CUDA headers belong in .cu files"


def header_guard(name, text):
    if name.endswith(".hpp") and not text.startswith("#pragma once\n"):
        yield f"{name}:1: a header starts with #pragma once"
    if name.endswith(".hpp"):
        for number, line in enumerate(text.split("\n"), 1):
            if re.match(r"using namespace\b", line):
                yield f"{name}:{number}: no using-directive at the top of a header"


def file_size(name, text):
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines (at most {FILE_LINES}, aim at 400: split by idea)"


def blank_literals(text):
    """The text with comments and literals blanked out, line breaks kept."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def functions(text):
    """(first line, last line, head) of every function body that is not inside another one."""
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m[0]), blank_literals(text), flags=re.M)
    stack, start = [], 0
    for i, c in enumerate(text):
        if c in ";}" and not any(kind == "function" for kind, _, _ in stack):
            start_next = i + 1
        else:
            start_next = None
        if c == "{":
            head = " ".join(text[start:i].split())
            inside = any(kind == "function" for kind, _, _ in stack)
            plain = re.sub(r"\([^()]*\)", "()", re.sub(r"\([^()]*\)", "()", head))
            scope = re.search(r"\b(namespace|struct|class|union|enum)\b", re.sub(r"template\s*<[^{}]*?>\s*", "", plain))
            is_function = not inside and "(" in head and not (scope and "(" not in plain[scope.start():]) \
                and not re.search(r"=\s*$", head)
            stack.append(("function" if is_function else "scope", i, head))
            if not inside and not is_function:
                start_next = i + 1
        elif c == "}" and stack:
            kind, opened, head = stack.pop()
            if kind == "function" and not any(k == "function" for k, _, _ in stack):
                yield text.count("\n", 0, opened) + 1, text.count("\n", 0, i) + 1, head
                start_next = i + 1
        if start_next is not None:
            start = start_next


def function_size(name, text):
    for first, last, head in functions(text):
        if last - first + 1 > FUNCTION_LINES:
            yield f"{name}:{first}: {last - first + 1} lines in one function (at most {FUNCTION_LINES}): {head[-60:]}"


# Words are spelt with a gap so that this file does not break its own rule.
WORDS = [
    (r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "unfinished work: do it, or open an issue"),
    (r"(?i)\b(not (yet )?impl" r"emented|unimpl" r"emented)\b", "unfinished work: do it, or open an issue"),
    (r"(?<![\w.$}])/(work|ho" r"me|ro" r"ot|mnt|farm)/\w", "a path of one machine"),
]
CODE_WORDS = [
    (r"-ffast-" r"math", "it deletes the NaN checks"),
    (r"\b(std::)?s?rand\(", "use kernels/rng.hpp: counters, not hidden state"),
    (r"\brandom_device\b", "use kernels/rng.hpp: every seed is given"),
    (r"\bfor_each\(std::execution|\bstd::reduce\(", "order of the sum is not fixed: same seed, same bits"),
]


def words(name, text):
    rules = WORDS + (CODE_WORDS if pathlib.Path(name).suffix in SOURCES else [])
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, why in rules:
            found = re.search(pattern, line)
            if found:
                yield f"{name}:{number}: '{found[0]}': {why}"


def whitespace(name, text):
    if text and not text.endswith("\n"):
        yield f"{name}: the last line has no line break"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() or "\t" in line:
            yield f"{name}:{number}: trailing space or tab"


def line_length(name, text):
    """The formatter keeps code at 110 columns and leaves comments as they are; this bounds both."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > 120:
            yield f"{name}:{number}: {len(line)} columns (at most 120)"


def no_prints_in_rl(name, text):
    if name.startswith(("rl/", "autograd/", "kernels/", "envs/")) and pathlib.Path(name).suffix in SOURCES:
        for number, line in enumerate(blank_literals(text).split("\n"), 1):
            if re.search(r"\bstd::(cout|cerr)\b|\b(std::)?f?printf\(|\bfmt::print\(|CLI::", line):
                yield f"{name}:{number}: only cli/ prints and parses options"


def has_assertion(name, text):
    if re.match(r"tests/.*_test\.cpp$", name) and not re.search(r"\b(CHECK|REQUIRE)(_\w+)?\(|check_(close|twins?)\b", text):
        yield f"{name}: a test file without an assertion"


def twins(names):
    """Every fast kernel has its plain specification beside it, and both have the one contract."""
    for name in names:
        stem = re.match(r"kernels/(?:cpu|cuda)/([a-z0-9_]+)\.(?:cpp|cu)$", name)
        if stem and not stem[1].endswith(("_dispatch", "_isa")) and f"kernels/{stem[1]}.hpp" in names \
                and not {f"kernels/ref/{stem[1]}.cpp", f"kernels/{stem[1]}.cpp"} & set(names):  # rng.cpp is its own
            yield f"{name}: kernels/ref/{stem[1]}.cpp is missing"


SHOWN = ("// ---- shown in CONTRIBUTING.md\n", "// ----\n")


def shown_text(guide, source):
    """The example in CONTRIBUTING.md is the text that a test compiles."""
    start = source.find(SHOWN[0]) + len(SHOWN[0])
    text = source[start:source.find(SHOWN[1], start)]
    if f"```cpp\n{text}```\n" not in guide:
        yield "CONTRIBUTING.md: the operation of a user's own differs from tests/autograd/user_op_test.cpp"


def formatting(names):
    tool = shutil.which("clang-format")
    if not tool:
        return ["clang-format is missing (apt-get install clang-format)"]
    out = subprocess.run([tool, "--dry-run", "-Werror", *names], capture_output=True, text=True)
    hits = re.findall(r"^([^:\n]+):(\d+):\d+: error", out.stderr, re.M)
    files = {}
    for name, line in hits:
        files.setdefault(name, line)
    return [f"{name}:{line}: not as .clang-format wants it (clang-format -i {name})" for name, line in files.items()]


PER_FILE = [includes, header_guard, file_size, function_size, words, whitespace, line_length, no_prints_in_rl, has_assertion]


def self_test():
    long_body = "".join(f"  x += {i};\n" for i in range(FUNCTION_LINES + 1))
    broken = {
        includes: [("kernels/a.hpp", '#include "rl/b.hpp"\n'), ("rl/a.cpp", '#include "envs/kitchen/k.hpp"\n'),
                   ("envs/sim/a.hpp", '#include "envs/kitchen/goals.hpp"\n'), ("envs/a.cpp", '#include "autograd/x.hpp"\n'),
                   ("rl/a.cpp", '#include "b.hpp"\n'), ("rl/a.cpp", "#include <mujoco/mujoco.h>\n")],
        header_guard: [("rl/a.hpp", "// x\n#pragma once\n"), ("rl/a.hpp", "#pragma once\nusing namespace std;\n")],
        file_size: [("rl/a.cpp", "\n" * (FILE_LINES + 1))],
        function_size: [("rl/a.cpp", "namespace a {\nclass B {\n int f(int x) const {\n" + long_body + " }\n};\n}\n"),
                        ("rl/a.cpp", "int g() {\n" + long_body + "}\n")],
        words: [("rl/a.cpp", "// TO" "DO\n"), ("README.md", "see /ro" "ot/x\n"), ("rl/a.cpp", "x = ra" "nd();\n")],
        whitespace: [("rl/a.cpp", "int a; \n"), ("rl/a.cpp", "int a;")],
        line_length: [("rl/a.cpp", "/" * 121 + "\n")],
        no_prints_in_rl: [("rl/a.cpp", 'fmt::print("x");\n'), ("envs/a.cpp", "std::cout << 1;\n")],
        has_assertion: [("tests/rl/a_test.cpp", 'TEST_CASE("x") {}\n')],
    }
    fine = [("rl/a.cpp", '#include "envs/env.hpp"\n'), ("rl/a.cpp", "struct A {\n" + long_body + "};\n"),
            ("cli/a.cpp", '#include "rl/b.hpp"\nint f(int x) { return x / 2; }\n')]
    for rule, cases in broken.items():
        for name, text in cases:
            if not list(rule(name, text)):
                yield f"self-test: {rule.__name__} did not see its mistake in {text[:50]!r}"
    for name, text in fine:
        for rule in PER_FILE:
            for hit in rule(name, text):
                yield f"self-test: false alarm of {rule.__name__}: {hit}"
    if list(shown_text("x\n```cpp\nint a;\n```\n", "".join([SHOWN[0], "int a;\n", SHOWN[1]]))) \
            or not list(shown_text("```cpp\nint a;\n```\n", "".join([SHOWN[0], "int b;\n", SHOWN[1]]))):
        yield "self-test: shown_text took equal texts for different ones, or the reverse"
    if not list(twins({"kernels/cpu/gemm.cpp", "kernels/gemm.hpp"})):
        yield "self-test: twins did not see a missing reference"


def main():
    names = listed_files()
    failures = {rule.__name__: [] for rule in PER_FILE}
    for name in names:
        suffix = pathlib.Path(name).suffix
        if suffix not in TEXTS or name.startswith("LICENSE"):
            continue
        try:
            text = pathlib.Path(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            failures["whitespace"].append(f"{name}: not UTF-8 text")
            continue
        code = suffix in SOURCES
        for rule in PER_FILE:
            if code or rule in (words, whitespace):
                failures[rule.__name__] += rule(name, text)
    failures["shown_text"] = list(shown_text(pathlib.Path("CONTRIBUTING.md").read_text(encoding="utf-8"),
                                             pathlib.Path("tests/autograd/user_op_test.cpp").read_text(encoding="utf-8")))
    failures["twins"] = list(twins(set(names)))
    failures["formatting"] = formatting([n for n in names if pathlib.Path(n).suffix in SOURCES])
    failures["self_test"] = list(self_test())
    for hits in failures.values():
        print(*hits, sep="\n", end="\n" if hits else "")
    bad = sum(1 for hits in failures.values() if hits)
    print(f"lint: {len(failures) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
