#!/usr/bin/env bash
# Builds and runs the benchmarks (Google Benchmark, fixed names) with the peers in the same run, and ends with tables:
# benchmark, ours, share of its limit, peer, ratio, target.
#   simulator         testspeed/kitchen and testspeed/franka_kitchen against MuJoCo, same file, same controls
#   kitchen           kitchen_steps/...: the environment's actions a second against EnvPool's FrankaKitchen-v1 and MuJoCo
#   learning engine   products against OpenBLAS, policy and natural gradient against PyTorch, on 1 and 2 threads
# Peers come from PyPI: NumPy and MuJoCo into build/venv by test.sh, PyTorch there at the first run of this (some 3 GB),
# EnvPool into build/envpool; without them the ratios are left out. Arguments go to the benchmarks: ./bench.sh --benchmark_filter=testspeed/kitchen
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/setup.sh
source .ci/setup.sh

install_packages
options=()
python=build/venv/bin/python
if [ -x "$python" ]; then
  options=("-Dmujoco=$("$python" -c 'import importlib.util as u; print(u.find_spec("mujoco").submodule_search_locations[0])')")
  if ! "$python" -c 'import torch' 2>/dev/null; then
    say "installing PyTorch into build/venv"
    timeout 1800 build/venv/bin/pip install --quiet --disable-pip-version-check torch >build/venv.log 2>&1 ||
      say "PyTorch cannot be had (build/venv.log): no ratios to it"
  fi
  export BATON_PEER_PYTHON="$PWD/$python"
else
  say "no build/venv (./test.sh makes it): no ratios"
fi
if [ ! -x build/envpool/bin/python ]; then
  say "installing EnvPool into build/envpool"
  { python3 -m venv build/envpool && timeout 600 build/envpool/bin/pip install --quiet --disable-pip-version-check \
    envpool==1.2.5 gymnasium==1.4.0; } >build/envpool.log 2>&1 || {
    rm -rf build/envpool
    say "EnvPool cannot be had (build/envpool.log): no ratios to it"
  }
fi
[ ! -x build/envpool/bin/python ] || export BATON_ENVPOOL_PYTHON="$PWD/build/envpool/bin/python"
if model=$(.ci/fetch_kitchen.sh); then
  export BATON_FRANKA_KITCHEN=${BATON_FRANKA_KITCHEN:-${model%/kitchen_assets/*}}
fi
configure build "${options[@]}"
compile build meson-benchmark-prereq
for name in sim_stages sim_testspeed kitchen_steps learning; do
  "build/bench/${name}_bench" --benchmark_out="build/$name.json" --benchmark_out_format=json "$@"
done
python3 bench/tables.py build
