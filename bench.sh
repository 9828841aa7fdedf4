#!/usr/bin/env bash
# Builds and runs the benchmarks (Google Benchmark, fixed names) and prints ratios to peers measured in the same run:
# the kitchen against MuJoCo on the same file, one thread each; the policy's forward pass against NumPy's GEMM.
# Peers come from build/venv, which test.sh makes; without it the ratios are left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/setup.sh
source .ci/setup.sh

install_packages
configure build
compile build meson-benchmark-prereq
build/bench/learning_mlp_bench --benchmark_out=build/learning.json --benchmark_out_format=json "$@"
build/bench/sim_kitchen_bench --benchmark_out=build/sim.json --benchmark_out_format=json "$@"
if [ -x build/venv/bin/python ]; then
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 build/venv/bin/python bench/peers.py build
else
  say "no build/venv (./test.sh makes it): no ratios"
fi
