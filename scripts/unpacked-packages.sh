#!/bin/sh
# Unpacks Debian packages beneath a directory, without installing them: ARCHITECTURE DIRECTORY PACKAGE... (see
# debian-packages.sh)
# A directory that has these already is left alone.
set -eu
cd "$(dirname "$0")/.."
architecture=$1
target=$2
shift 2
[ "$(cat "$target/packages" 2>/dev/null)" != "$*" ] || exit 0

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

sh scripts/debian-packages.sh "$architecture" "$work" "$@"

mkdir "$work/unpacked"
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$work/unpacked"
done
echo "$*" >"$work/unpacked/packages"
chmod -R go+rX "$work/unpacked"
rm -rf "$target"
mv -T "$work/unpacked" "$target"
