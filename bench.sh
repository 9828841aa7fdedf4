#!/usr/bin/env bash
# Builds and runs the benchmarks (Google Benchmark, fixed names) and prints ratios to peers measured in the same run:
# testspeed/kitchen and testspeed/franka_kitchen against MuJoCo on the same file under the same controls; the policy's
# forward pass against NumPy's GEMM. Peers come from build/venv, which test.sh makes; without it the ratios are left
# out. Arguments go to the benchmarks: ./bench.sh --benchmark_filter=testspeed/kitchen
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/setup.sh
source .ci/setup.sh

install_packages
options=()
python=build/venv/bin/python
if [ -x "$python" ]; then
  options=("-Dmujoco=$("$python" -c 'import importlib.util as u; print(u.find_spec("mujoco").submodule_search_locations[0])')")
fi
configure build "${options[@]}"
compile build meson-benchmark-prereq
for name in learning_mlp sim_stages sim_testspeed; do
  "build/bench/${name}_bench" --benchmark_out="build/$name.json" --benchmark_out_format=json "$@"
done
if [ -x "$python" ]; then
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$python" bench/peers.py build
else
  say "no build/venv (./test.sh makes it): no ratios"
fi
