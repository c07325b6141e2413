#!/bin/sh
# Fetches the TFTP servers that the benchmark measures ours against: tftpd-hpa and atftpd, unpacked beneath
# node_modules, not installed: the packages exclude each other, and installed they would serve the network.
set -eu
cd "$(dirname "$0")/.."
target=$PWD/node_modules/.cache/novaboot-tftp-peers
[ ! -e "$target" ] || exit 0

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

sh scripts/debian-packages.sh "$(dpkg --print-architecture)" "$work" tftpd-hpa atftpd

mkdir "$work/peers"
for package in tftpd-hpa atftpd; do
  dpkg-deb -x "$work/$package"_*.deb "$work/peers/$package"
done
chmod -R go+rX "$work/peers"
mv "$work/peers" "$target"
