# Sourced by run.sh, test.sh and bench.sh: brings a bare Debian 12 to a configured and compiled build folder.
# shellcheck shell=bash

packages=(g++ meson ninja-build pkg-config cmake libfmt-dev libtbb-dev libhdf5-dev libssl-dev libtinyxml2-dev
  nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libeigen3-dev libqhull-dev doctest-dev libbenchmark-dev
  clang-format python3-venv)

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'baton: %s\n' "$*" >&2
  exit 1
}

# Installs what is missing and nothing else; a machine that has it all needs neither root nor a network.
install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || die "no apt-get here; install by hand: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo; install by hand: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get failed"
  fi
  rm -f "$log"
}

# configure DIR MESON_OPTION...   Options given here win over what an older build folder remembers.
configure() {
  local dir=$1 log
  shift
  log=$(mktemp)
  if [ -f "$dir/build.ninja" ]; then
    [ $# -eq 0 ] || meson configure "$dir" "$@" >"$log" 2>&1
  else
    say "configuring $dir"
    meson setup "$dir" "$@" >"$log" 2>&1
  fi || {
    tail -n 30 "$log" >&2
    rm -f "$log"
    die "configuring $dir failed (delete the folder to start afresh)"
  }
  rm -f "$log"
}

# compile DIR TARGET...   One moving line on a terminal; elsewhere only what goes wrong.
compile() {
  local dir=$1
  shift
  if [ -t 2 ]; then
    NINJA_STATUS='compiling %f/%t (%es) ' ninja -C "$dir" "$@" >&2 || die "compiling failed"
  else
    local log
    log=$(mktemp)
    ninja --quiet -C "$dir" "$@" >"$log" 2>&1 || {
      cat "$log" >&2
      rm -f "$log"
      die "compiling failed"
    }
    rm -f "$log"
  fi
}
