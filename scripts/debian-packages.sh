#!/bin/sh
# Downloads Debian packages: ARCHITECTURE DIRECTORY PACKAGE... The package lists are private, with the machine's sources
# and keys: any user may run it, for any architecture. Of linux-image-* it takes the package that the name stands for; with
# PACKAGE+ come those that it needs and this machine lacks.
set -eu
architecture=$1
directory=$2
shift 2
state=$(mktemp -d "$directory/apt.XXXXXX")
trap 'rm -rf "$state"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"

apt() {
  tool=$1
  shift
  "$tool" -q -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User= \
    -o Dir::State::lists="$state/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$state/cache" \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@"
}

meant() {
  case $1 in
    linux-image-*) apt apt-cache depends "$1" | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1 ;;
    *+)
      apt apt-get -s -o Dir::State::status=/var/lib/dpkg/status install --reinstall --no-install-recommends "${1%+}" |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p'
      ;;
    *) echo "$1" ;;
  esac
}

download() {
  # Debian's sources may be there though another one of the machine's is not: what counts is the packages.
  apt apt-get update || true
  for package in "$@"; do
    names=$(meant "$package")
    # shellcheck disable=SC2086
    (cd "$directory" && apt apt-get download ${names:-"$package"}) || return
  done
}

echo "novaboot: fetching Debian packages ($architecture): $*" >&2
download "$@" >"$state/log" 2>&1 || {
  why=$(grep -m 1 '^[EW]:' "$state/log" || tail -n 1 "$state/log")
  echo "novaboot: cannot fetch Debian packages ($architecture): $*: $why" >&2
  exit 69
}
