#!/usr/bin/env bash
# Builds everything and runs every test. Last line: "N passed, N failed" (", N skipped" where an oracle is absent).
#   ./test.sh [--sanitize | --races] [--fuzz SECONDS]
#     --sanitize       with the address and undefined-behaviour sanitizers, in build-asan/
#     --races          only the emulated CUDA kernels, under the thread sanitizer, in build-tsan/
#     --fuzz SECONDS   then fuzzes the readers of outside files that long (tests/fuzz/run.sh); CI does, see .ci/run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/setup.sh
source .ci/setup.sh

dir=build
options=()
targets=(baton meson-test-prereq)
programs='*/test_*'
whole=1 # with oracles and lint
fuzz_seconds=0
while [ $# -gt 0 ]; do
  case "$1" in
    --sanitize)
      dir=build-asan
      # Lanes, inlined and instrumented, take 2.6 times as long to compile with -O2 -g. At -O1 GCC takes a replaced
      # operator new for a mismatch.
      options=(-Ddebug=false -Doptimization=1 -Dcpp_args=-g1 -Dwerror=false -Db_sanitize=address,undefined
        -Db_lundef=false)
      export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
      ;;
    --races)
      dir=build-tsan
      # GCC's warnings misread what this sanitizer adds.
      options=(-Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dbench=false -Dwerror=false)
      targets=(tests/kernels/test_cuda_emulation)
      programs=kernels/test_cuda_emulation
      whole=0
      ;;
    --fuzz)
      fuzz_seconds=${2:-}
      [[ "$fuzz_seconds" =~ ^[0-9]+$ ]] || {
        echo "test.sh: --fuzz takes a number of seconds" >&2
        exit 2
      }
      shift
      ;;
    *)
      echo "usage: test.sh [--sanitize | --races] [--fuzz SECONDS]" >&2
      exit 2
      ;;
  esac
  shift
done

passed=0
failed=0
skipped=0

# The oracles live in a virtual environment of the build folder; without PyPI their tests are skipped.
make_venv() {
  [ -x "$dir/venv/bin/python" ] && "$dir/venv/bin/python" -c 'import mujoco, numpy, h5py, safetensors' 2>/dev/null && return 0
  say "installing the oracles (mujoco, numpy, h5py, safetensors) into $dir/venv"
  mkdir -p "$dir"
  python3 -m venv "$dir/venv" >/dev/null 2>&1 &&
    timeout 300 "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
      'mujoco>=3.2,<5' numpy h5py safetensors >"$dir/venv.log" 2>&1
}

# FrankaKitchen-v1 itself, and the folder of its model.
add_franka_kitchen() {
  local model
  model=$(.ci/fetch_kitchen.sh) || return 1
  export BATON_FRANKA_KITCHEN=${BATON_FRANKA_KITCHEN:-${model%/kitchen_assets/*}}
  "$dir/venv/bin/python" -c 'import gymnasium_robotics' 2>/dev/null ||
    timeout 300 "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
      build/gymnasium_robotics-*.whl >>"$dir/venv.log" 2>&1
}

install_packages
mujoco=""
if [ "$whole" -eq 0 ]; then
  :
elif make_venv; then
  mujoco=$("$dir/venv/bin/python" -c 'import importlib.util as u; print(u.find_spec("mujoco").submodule_search_locations[0])')
  export BATON_TEST_PYTHON="$PWD/$dir/venv/bin/python"
  add_franka_kitchen || say "Gymnasium-Robotics cannot be had: tests against it are skipped"
else
  say "PyPI cannot be reached: tests against MuJoCo and h5py are skipped"
  skipped=$((skipped + 1))
fi

# Adds a doctest executable's cases to the totals; one that dies without a summary counts as a failure.
run_executable() {
  local program=$1 log=$dir/$(basename "$1").log status=0 line
  "$program" --no-colors=true >"$log" 2>&1 || status=$?
  line=$(grep -E '^\[doctest\] test cases:' "$log" | tail -n 1 || true)
  local good bad
  good=$(sed -nE 's/.*\| *([0-9]+) passed.*/\1/p' <<<"$line")
  bad=$(sed -nE 's/.*\| *([0-9]+) failed.*/\1/p' <<<"$line")
  skipped=$((skipped + $(grep -cE '^skipped: ' "$log" || true)))
  if [ -z "$line" ] || { [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; }; then
    bad=$((${bad:-0} + 1))
    echo "$(basename "$program"): ended with status $status before its summary" >>"$log"
  fi
  passed=$((passed + ${good:-0}))
  failed=$((failed + ${bad:-0}))
  printf '%-16s %4d passed %3d failed\n' "$(basename "$program")" "${good:-0}" "${bad:-0}"
  [ "${bad:-0}" -eq 0 ] || cat "$log"
}

run_lint() {
  local out status=0 good bad
  out=$(python3 tests/lint/lint.py 2>&1) || status=$?
  good=$(sed -nE 's/^lint: ([0-9]+) passed, ([0-9]+) failed$/\1/p' <<<"$out")
  bad=$(sed -nE 's/^lint: ([0-9]+) passed, ([0-9]+) failed$/\2/p' <<<"$out")
  [ -n "$bad" ] || bad=1
  passed=$((passed + ${good:-0}))
  failed=$((failed + bad))
  printf '%-16s %4d passed %3d failed\n' lint "${good:-0}" "$bad"
  [ "$status" -eq 0 ] || grep -v '^lint: [0-9]' <<<"$out" || true
}

# Each reader is one check.
run_fuzz() {
  local out status=0 good
  out=$(tests/fuzz/run.sh "$1" 2>&1) || status=$?
  good=$(grep -c 'no finding$' <<<"$out" || true)
  passed=$((passed + good))
  printf '%-16s %4d passed %3d failed\n' fuzz "$good" $((status != 0))
  if [ "$status" -ne 0 ]; then
    failed=$((failed + 1))
    echo "$out"
  fi
}

configure "$dir" "${options[@]}" "-Dmujoco=$mujoco"
compile "$dir" "${targets[@]}"
export BATON_BINARY="$PWD/$dir/baton"
for program in "$dir"/tests/$programs; do
  [ -f "$program" ] && [ -x "$program" ] || continue
  run_executable "$program"
done
[ "$whole" -eq 0 ] || run_lint
[ "$fuzz_seconds" -eq 0 ] || run_fuzz "$fuzz_seconds"

if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
