#!/usr/bin/env bash
# Installs, configures and compiles what is missing, then runs baton.
#   ./run.sh            the whole method on the kitchen (baton demo)
#   ./run.sh ARGS...    baton ARGS...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.ci/setup.sh
source "$here/.ci/setup.sh"

(
  cd "$here"
  install_packages
  configure build
  compile build baton
)
[ $# -gt 0 ] || set -- demo
exec "$here/build/baton" "$@"
