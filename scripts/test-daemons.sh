#!/bin/sh
# Fetches the servers that tests run as the other side: snmpd, ser2net. Unpacked beneath node_modules, not installed: they would
# serve the network. Their libraries come with what the group test installs (setup.sh).
set -eu
cd "$(dirname "$0")/.."
packages='snmpd ser2net libgensio4 libyaml-0-2 libsctp1 libavahi-client3 libavahi-common3'
target=$PWD/node_modules/.cache/novaboot-daemons
[ "$(cat "$target/packages" 2>/dev/null)" != "$packages" ] || exit 0

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2086
sh scripts/debian-packages.sh "$(dpkg --print-architecture)" "$work" $packages

mkdir "$work/daemons"
for package in $packages; do
  dpkg-deb -x "$work/$package"_*.deb "$work/daemons"
done
echo "$packages" >"$work/daemons/packages"
chmod -R go+rX "$work/daemons"
rm -rf "$target"
mv -T "$work/daemons" "$target"
