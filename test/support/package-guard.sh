#!/bin/sh
# Boots a copy of a Debian tree, in which a package is to be installed, in a container with a network of its own; as
# root, until standard input ends (container-guard.sh).
#
# Parameters: the tree, the test's directory, which holds keys/.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
directory=$2
tree=$directory/tree
port=22
chmod 755 "$directory"
trap 'rm -rf "$directory"' EXIT

cp -a --reflink=auto "$1" "$tree"
install -d -m 755 "$tree/root/keys"
install -m 644 "$directory"/keys/*.pub "$tree/root/keys"
ssh-keygen -q -t ed25519 -N '' -f "$tree/etc/ssh/ssh_host_ed25519_key"
# sudo looks its own host up.
echo "127.0.0.1 localhost $(cat "$tree/etc/hostname")" >"$tree/etc/hosts"

set -- --private-network --resolv-conf=off --timezone=off
. "${0%/*}/container-guard.sh"
