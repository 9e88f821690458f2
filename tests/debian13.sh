#!/bin/bash
# tests/debian13.sh [--all]: runs the README's two commands on Debian 13, with its fast tests, or with --all every test.
#
# What     a tree of Debian 13's packages, made once with the mirror that this machine's apt uses. The README's commands install
#          there what they need, as on a fresh system, and build into build-debian13/.
# Needs    root: it mounts, and enters the tree.
# Leaves   nothing: the commands run in a process and a mount namespace of their own, which the kernel ends and unmounts with
#          this script, however that ends.
# Keeps    the tree in ${XDG_CACHE_HOME:-~/.cache}/switchboard.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
release=trixie
root=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard/$release-$(dpkg --print-architecture)

case $#:${1-} in
  0:) tests=--fast ;;
  1:--all) tests= ;;
  *)
    echo "usage: tests/debian13.sh [--all]" >&2
    exit 2
    ;;
esac

# inside COMMAND...: runs it in the tree of packages, which sees this tree as /switchboard and its build folder apart.
inside() {
  mkdir -p "$tree/build" "$tree/build-debian13" "$compiler_cache"
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -euc '
    root=$1 tree=$2 compiler_cache=$3
    shift 3
    mkdir -p "$root"/{switchboard,ccache}
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$tree" "$root/switchboard"
    mount --bind "$tree/build-debian13" "$root/switchboard/build"
    mount --bind "$compiler_cache" "$root/ccache"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    chroot "$root" env --ignore-environment --chdir=/switchboard LANG=C.UTF-8 HOME=/root TERM="${TERM:-dumb}" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      CCACHE_DIR=/ccache CCACHE_BASEDIR=/switchboard CCACHE_NOHASHDIR=1 "$@"
  ' inside "$root" "$tree" "$compiler_cache" "$@"
}

# make_tree: Debian 13 with apt, a compiler cache and what install.sh installs.
make_tree() {
  "$tree/framework/cmake/install.sh" mmdebstrap
  local mirror
  mirror=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 == "main" && $3 !~ /^cdrom:/ { print $3; exit }')
  if [[ -z $mirror ]]; then
    echo "debian13.sh: apt knows no mirror of Debian; run apt-get update" >&2
    exit 1
  fi
  rm -rf "$root"
  # Nothing in the tree is worth the hundreds of times that dpkg would wait for the disk.
  mmdebstrap --mode=root --variant=apt --dpkgopt=force-unsafe-io --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$release" "$root" "$mirror"
  inside framework/cmake/install.sh ccache
  touch "$root/complete"
}

compiler_cache=$(ccache --get-config cache_dir 2>/dev/null || echo "$tree/build-debian13/ccache")
mkdir -p "${root%/*}"
# Two runs at once make it once.
exec 9>"$root.lock"
flock 9
if [[ ! -f $root/complete ]]; then make_tree; fi
flock --unlock 9

inside bash -euc '
  apps/chat_broker/run.sh --demo-only
  tests/run.sh "$@"
' commands $tests
