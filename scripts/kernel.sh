#!/bin/sh
# Fetches Debian's kernel for the tests with QEMU: the image and the modules that NFS and virtio may need, unpacked
# beneath node_modules, not installed. Any user may run it; 70 MB come over the network, once.
set -eu
cd "$(dirname "$0")/.."
target=$PWD/node_modules/.cache/novaboot-kernel
[ ! -e "$target/vmlinuz" ] || exit 0
[ "$(dpkg --print-architecture)" = amd64 ] || {
  echo 'novaboot: the tests with QEMU need an amd64 Debian: they boot its kernel with its own programs' >&2
  exit 69
}

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The package that linux-image-amd64 stands for; with package lists of our own where the machine has none.
apt_options=
kernel_package() {
  # shellcheck disable=SC2086
  apt-cache $apt_options depends linux-image-amd64 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}
download() {
  package=$(kernel_package)
  # shellcheck disable=SC2086
  [ -n "$package" ] && (cd "$work" && apt-get $apt_options -q -o APT::Sandbox::User= download "$package") >&2
}
echo 'novaboot: fetching a kernel for the tests with QEMU' >&2
download || {
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
  apt_options="-o Dir::State=$work/state -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache=$work/cache"
  # shellcheck disable=SC2086
  apt-get $apt_options -q -o APT::Sandbox::User= update >&2
  download
}

mkdir "$work/kernel"
dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb | tar -x -C "$work/kernel" --wildcards \
  '*/boot/vmlinuz-*' '*/modules/*/kernel/fs/*' '*/modules/*/kernel/net/*' '*/modules/*/kernel/lib/*' \
  '*/modules/*/kernel/crypto/*' '*/modules/*/kernel/drivers/virtio/*' '*/modules/*/kernel/drivers/char/*' \
  '*/modules/*/kernel/drivers/net/virtio*' '*/modules/*/kernel/drivers/net/net_failover*'
mv "$work"/kernel/boot/vmlinuz-* "$work/kernel/vmlinuz"
rm -rf "$target"
mv "$work/kernel" "$target"
