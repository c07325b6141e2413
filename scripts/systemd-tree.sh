#!/bin/sh
# Makes the Debian tree that the tests boot in a container, with a real systemd and its user managers. Needs root.
# About a minute and 300 MB, once; it lies in .cache/, which git ignores.
#
# Usage: systemd-tree.sh SUITE
set -eu
cd "$(dirname "$0")/.."
suite=$1
tree=$PWD/.cache/systemd-$suite
packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,openssh-server,sudo,rsync,libstdc++6,libatomic1
mkdir -p .cache
# Several test files may want it at once.
exec 9>".cache/systemd-$suite.lock"
flock 9
[ "$(cat "$tree/etc/novaboot-tree" 2>/dev/null)" != "$packages" ] || exit 0
# The mirror that this machine uses; debootstrap has a default.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)

rm -rf "$tree.new"
echo "novaboot: making a tree of Debian $suite for the tests with systemd" >&2
# shellcheck disable=SC2086
debootstrap --variant=minbase --include="$packages" "$suite" "$tree.new" $mirror >"$tree.log" 2>&1 || {
  tail -n 5 "$tree.log" >&2
  exit 1
}
rm -rf "$tree.new"/var/cache/apt/archives/*.deb "$tree.new"/etc/ssh/ssh_host_*
echo "$packages" >"$tree.new/etc/novaboot-tree"
rm -rf "$tree"
mv "$tree.new" "$tree"
