#!/bin/sh
# Fetches one of Debian's kernels for QEMU, with the modules that NFS and virtio may need, unpacked beneath
# node_modules, not installed:
#   guest  for tests with the programs of this machine (70 MB come over the network, once)
#   board  arm64, with a busybox, for the virtual board (32 MB)
set -eu
cd "$(dirname "$0")/.."

case $1 in
  guest)
    [ "$(dpkg --print-architecture)" = amd64 ] || {
      echo 'novaboot: the tests with QEMU need an amd64 Debian: they boot its kernel with its own programs' >&2
      exit 69
    }
    target=$PWD/node_modules/.cache/novaboot-kernel image=vmlinuz
    set -- amd64 linux-image-amd64
    ;;
  board)
    target=$PWD/node_modules/.cache/novaboot-board image=Image
    set -- arm64 linux-image-cloud-arm64 busybox-static
    ;;
esac
[ ! -e "$target/$image" ] || exit 0

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
architecture=$1
shift
sh scripts/debian-packages.sh "$architecture" "$work" "$@"

mkdir "$work/unpacked"
dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb | tar -x -C "$work/unpacked" --wildcards \
  '*/boot/vmlinuz-*' '*/modules/*/kernel/fs/*' '*/modules/*/kernel/net/*' '*/modules/*/kernel/lib/*' \
  '*/modules/*/kernel/crypto/*' '*/modules/*/kernel/drivers/virtio/*' '*/modules/*/kernel/drivers/char/*' \
  '*/modules/*/kernel/drivers/net/virtio*' '*/modules/*/kernel/drivers/net/net_failover*'
mv "$work"/unpacked/boot/vmlinuz-* "$work/unpacked/$image"
for package in "$work"/busybox-*.deb; do
  [ ! -e "$package" ] || dpkg-deb --fsys-tarfile "$package" | tar -x -O --wildcards '*/bin/busybox' >"$work/unpacked/busybox"
done
[ -e "$target/$image" ] || rm -rf "$target"
# Of two that ran at once one stays.
mv -T "$work/unpacked" "$target" 2>/dev/null || [ -e "$target/$image" ]
