#!/usr/bin/env bash
# Prints the path of the original kitchen's model, kitchen_env_model.xml of FrankaKitchen-v1, for --model. At the first
# call it fetches the wheel of gymnasium-robotics from PyPI into build/, checks its SHA-256 and unpacks the model there
# (26 MB; its LICENSE.md beside it). Nothing of the wheel is run.
#   ./run.sh eval --policy runs/ril --model "$(.ci/fetch_kitchen.sh)"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=1.4.2
digest=a1743530431cb377e6b3b956d284bc96436fc68bac1648ef205054c178e7dc4b
wheel=build/gymnasium_robotics-$version-py3-none-any.whl
folder=build/franka_kitchen
model=$folder/kitchen_assets/kitchen_env_model.xml

fail() {
  printf 'fetch_kitchen.sh: %s\n' "$*" >&2
  exit 1
}

if [ ! -f "$model" ]; then
  mkdir -p build
  if ! sha256sum --status --check - <<<"$digest  $wheel" 2>/dev/null; then
    [ -x build/fetch-venv/bin/pip ] || python3 -m venv build/fetch-venv >/dev/null ||
      fail "no virtual environment can be made (package python3-venv)"
    echo "gymnasium-robotics==$version --hash=sha256:$digest" >build/fetch-venv/kitchen.txt
    timeout 300 build/fetch-venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
      --dest build -r build/fetch-venv/kitchen.txt >build/fetch-venv.log 2>&1 ||
      fail "PyPI gives no gymnasium-robotics $version (build/fetch-venv.log)"
  fi
  rm -rf "$folder" "$folder.new"
  python3 - "$wheel" "$folder.new" <<'END'
import sys, zipfile
assets = "gymnasium_robotics/envs/assets/"
prefix = assets + "kitchen_franka/"
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith(prefix) and not name.endswith("/"):
            info = wheel.getinfo(name)
            info.filename = name[len(prefix):]
            wheel.extract(info, sys.argv[2])
    with open(sys.argv[2] + "/LICENSE.md", "wb") as license:
        license.write(wheel.read(assets + "LICENSE.md"))
END
  mv "$folder.new" "$folder"
fi
[ -f "$model" ] || fail "$wheel holds no kitchen_assets/kitchen_env_model.xml"
printf '%s\n' "$PWD/$model"
