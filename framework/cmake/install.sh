#!/bin/bash
# framework/cmake/install.sh [PACKAGE...]: installs what building and testing need and is missing, and PACKAGE besides.
#
# Wherever apt offers all of it: Debian 12 and 13 are tested, Ubuntu 24.04 is expected to do. Elsewhere it names what to
# install and stops with status 1. Nothing runs, and nothing is asked, when nothing is missing.

set -euo pipefail

needed=(
  g++ cmake ninja-build pkg-config
  libcaf-dev                            # actors
  liburing-dev                          # the notification port on io_uring
  libprotobuf-dev libprotoc-dev protobuf-compiler # frames, messages, the plugin
  libspdlog-dev libfmt-dev libcli11-dev # logs and command lines of the programs
  libedit-dev                           # chat-client's line editor
  libsqlite3-dev zlib1g-dev             # rooms on disk, and their checksums
  libgtest-dev                          # tests
  python3 python3-protobuf              # the independent client of the tests
  "$@"
)

# by_hand PROBLEM PACKAGE...: the end, where apt does not help.
by_hand() {
  local name=
  if [[ -r /etc/os-release ]]; then name=$(. /etc/os-release && echo "${PRETTY_NAME:-}"); fi
  printf '%s on %s. Please install the equivalents of these Debian packages:\n  %s\n' "$1" "${name:-this system}" "${*:2}" >&2
  exit 1
}
if ! command -v apt-get >/dev/null; then by_hand "There is no apt-get" "${needed[@]}"; fi

missing=()
for package in "${needed[@]}"; do
  if [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
    missing+=("$package")
  fi
done
if [[ ${#missing[@]} == 0 ]]; then
  exit 0
fi

as_root=()
if [[ $EUID != 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing, and there is no sudo to install it with: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
# not_offered: those of the missing that apt knows no version of.
not_offered() {
  local package
  for package in "${missing[@]}"; do apt-cache show "$package" &>/dev/null || echo "$package"; done
}
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
}

echo "Installing: ${missing[*]}"
# A fresh system knows no packages yet; one long unused knows versions that are gone from the archive.
if [[ -n $(not_offered) ]] || ! install; then
  "${as_root[@]}" apt-get update --quiet
  mapfile -t unknown < <(not_offered)
  if ((${#unknown[@]})); then by_hand "apt does not offer everything" "${unknown[@]}"; fi
  install
fi
