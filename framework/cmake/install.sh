#!/bin/bash
# framework/cmake/install.sh [PACKAGE...]: installs what building and testing need and is missing, and PACKAGE besides.
#
# On Debian 12 through apt-get; elsewhere it names what to install and stops with status 1. Nothing runs, and nothing is
# asked, when nothing is missing.

set -euo pipefail

needed=(
  g++ cmake ninja-build pkg-config
  libcaf-dev                            # actors
  liburing-dev                          # the notification port on io_uring
  libprotobuf-dev libprotoc-dev protobuf-compiler # frames, messages, the plugin
  libspdlog-dev libfmt-dev libcli11-dev # logs and command lines of the programs
  libedit-dev                           # chat-client's line editor
  libsqlite3-dev                        # rooms on disk
  libgtest-dev                          # tests
  python3 python3-protobuf              # the independent client of the tests
  "$@"
)

. /etc/os-release
if [[ ${ID:-} != debian || ${VERSION_ID:-} != 12 ]]; then
  echo "This is ${PRETTY_NAME:-an unknown system}, not Debian 12. Please install the equivalents of these Debian packages:" >&2
  echo "  ${needed[*]}" >&2
  exit 1
fi

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
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
}

echo "Installing: ${missing[*]}"
# A fresh system knows no packages yet; one long unused knows versions that are gone from the archive.
if ! printf '%s\n' "${missing[@]}" | xargs -n 1 apt-cache show &>/dev/null || ! install; then
  "${as_root[@]}" apt-get update --quiet
  install
fi
