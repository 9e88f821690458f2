#!/bin/bash
# Builds CAF's core with thread sanitizer from Debian's source package and prints the folder to use as CAF_ROOT.
#
# Why      Debian's CAF is not instrumented, so the sanitizer cannot see that its mailboxes order what they pass on, and
#          reports every handler's state as a race. libprotobuf and libgtest stay Debian's: they hand nothing from thread
#          to thread by themselves.
# Leaves   the machine's apt configuration alone: the sources come through a list, an index and a cache of our own.
# Keeps    the result in ${XDG_CACHE_HOME:-~/.cache}/switchboard, one folder per version, compiler and flags.

set -euo pipefail

version=0.17.6
flags="-fsanitize=thread -O1 -g1 -fno-omit-frame-pointer"

# What is compiled, by what: a change of either makes another folder.
key=$({ ${CXX:-g++} --version; echo "$version $flags"; dpkg --print-architecture; } | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard
prefix=$cache/caf-$version-tsan-$key
if [[ -f $prefix/complete ]]; then
  echo "$prefix"
  exit 0
fi

mkdir -p "$cache"
# Two runs at once build it once.
exec 9>"$prefix.lock"
flock 9
if [[ -f $prefix/complete ]]; then
  echo "$prefix"
  exit 0
fi
rm -rf "$prefix"

work=$(mktemp -d "${TMPDIR:-/tmp}/switchboard-caf.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt drops its rights to user _apt while it downloads.
chmod 755 "$work"

{
  . /etc/os-release
  # apt itself knows every source it was given, in whichever format: ours is the Debian archive's line for this release.
  archives() {
    apt-get indextargets --format '$(LABEL)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)' 'Created-By: Packages' |
      awk -F'|' -v codename="$VERSION_CODENAME" \
        '$1 == "Debian" && $2 == codename && $3 == "main" && $4 !~ /^cdrom:/ && !seen[$4]++ { print $4, $5, "main" }'
  }
  sources=$(archives)
  if [[ -z $sources ]]; then
    echo "instrumented_caf.sh: apt knows no source for $VERSION_CODENAME main; run apt-get update" >&2
    exit 1
  fi

  mkdir -p "$work"/{lists,archives}/partial "$work"/download
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  sed "s|^|deb-src [signed-by=$keyring] |" <<<"$sources" >"$work/sources.list"
  if [[ $EUID == 0 ]] && id _apt &>/dev/null; then
    chown _apt "$work/download"
  fi
  apt=(apt-get -q
       -o Dir::Etc::sourcelist="$work/sources.list"
       -o Dir::Etc::sourceparts=/dev/null
       -o Dir::State::lists="$work/lists"
       -o Dir::Cache::archives="$work/archives"
       -o Dir::Cache::pkgcache=
       -o Dir::Cache::srcpkgcache=)
  "${apt[@]}" update
  cd "$work/download"
  # The packaging archive may be gone from a mirror while the upstream tarball is there. Only the tarball is needed, so it
  # is judged by the checksum in the signed index, not by apt-get's status.
  "${apt[@]}" source --download-only actor-framework || true
  tarball=actor-framework_$version.orig.tar.gz
  checksum=$("${apt[@]/-q/-qq}" indextargets --format '$(FILENAME)' 'Created-By: Sources' |
    xargs -r -n1 /usr/lib/apt/apt-helper cat-file |
    awk -v tarball="$tarball" '
      /^[^ ]/ { sha256 = /^Checksums-Sha256:/ }
      sha256 && $3 == tarball { found = $1 }
      END { print found }')
  if [[ -z $checksum ]]; then
    echo "instrumented_caf.sh: Debian's index names no $tarball" >&2
    exit 1
  fi
  sha256sum --check <<<"$checksum  $tarball"
  tar xzf "$tarball"

  launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -G Ninja -S "actor-framework-$version" -B "$work/build" "${launcher[@]}" \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-DNDEBUG" \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_POLICY_DEFAULT_CMP0077=NEW \
    -DCAF_NO_IO=yes -DCAF_NO_TOOLS=yes -DCAF_NO_EXAMPLES=yes -DCAF_NO_UNIT_TESTS=yes \
    -DCAF_NO_OPENSSL=yes -DCAF_NO_OPENCL=yes -DCAF_NO_PYTHON=yes
  cmake --build "$work/build"
  cmake --install "$work/build" >/dev/null
  date -u >"$prefix/complete"
} >&2

echo "$prefix"
