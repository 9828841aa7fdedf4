#!/usr/bin/env bash
# Fuzzes the readers of outside files (libFuzzer, address and undefined-behaviour sanitizers), one after another.
#   tests/fuzz/run.sh [SECONDS] [TARGET...]      SECONDS for all targets together (default 30)
#   tests/fuzz/run.sh --runs N [TARGET...]       N inputs for each target; seeds first, what is found is kept in
#                                                build-fuzz/corpus/TARGET and used again
# Exits 1 at the first finding and says which input repeats it. A line per target says how many inputs ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../.ci/setup.sh
source .ci/setup.sh

usage() {
  sed -nE '2,6s/^# ?//p' tests/fuzz/run.sh >&2
  exit 2
}

all=(lzf mjcf mjl npy obj safetensors stl)
runs=""
seconds=30
if [ "${1:-}" = --runs ]; then
  [[ "${2:-}" =~ ^[0-9]+$ ]] || usage
  runs=$2
  shift 2
elif [[ "${1:-}" =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
  [ -f "tests/fuzz/${target}_fuzz.cpp" ] || usage
done

packages+=(clang)
install_packages
dir=build-fuzz
CC=clang CXX=clang++ configure "$dir" -Dfuzz=true -Dtests=false -Dbench=false -Dbuildtype=plain
compile "$dir" "${targets[@]/#/tests/fuzz/fuzz_}"

each=$((seconds / ${#targets[@]}))
limit=(-max_total_time=$((each > 0 ? each : 1)))
[ -z "$runs" ] || limit=("-runs=$runs")
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 ASAN_OPTIONS=quarantine_size_mb=16
for target in "${targets[@]}"; do
  corpus=$dir/corpus/$target
  found=$dir/findings/$target
  mkdir -p "$corpus" "$found"
  options=(-max_len=4096 -timeout=25 -rss_limit_mb=2048 -seed=1 -print_final_stats=1 "-artifact_prefix=$found/")
  [ ! -f "tests/fuzz/$target.dict" ] || options+=("-dict=tests/fuzz/$target.dict")
  if ! "$dir/tests/fuzz/fuzz_$target" "${options[@]}" "${limit[@]}" "$corpus" "tests/fuzz/corpus/$target" \
    >"$dir/$target.log" 2>&1; then
    tail -n 60 "$dir/$target.log"
    echo "fuzz_$target: a finding; repeat it with $dir/tests/fuzz/fuzz_$target $found/..."
    exit 1
  fi
  awk -v t="$target" '/^stat::number_of_executed_units/ {n = $2} /^stat::average_exec_per_sec/ {r = $2}
    END {printf "fuzz_%-6s %9d inputs, %d a second, no finding\n", t, n, r}' "$dir/$target.log"
done
