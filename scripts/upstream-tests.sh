#!/bin/sh
# Runs the server tests of the original novaboot on our login shell: scripts/upstream-tests.sh CHECKOUT
# CHECKOUT is a clone of the original, whose server/novaboot-shell gets replaced by ours. Needs root, sshd, sudo, rsync
# and Expect for Perl. Everything happens in mount and network namespaces: the machine's accounts, homes and port 22
# stay as they are.
set -eu
shell=$(cd "$(dirname "$0")/.." && pwd)/dist/novaboot-shell

if [ "${1-}" != --inside ]; then
  checkout=$(cd "${1:?usage: scripts/upstream-tests.sh CHECKOUT}" && pwd)
  [ -x "$shell" ] || { echo 'novaboot: run "npm run build" first' >&2; exit 69; }
  for program in /usr/sbin/sshd sudo rsync; do
    command -v "$program" >/dev/null || { echo "novaboot: $program is missing" >&2; exit 69; }
  done
  perl -MExpect -e 1 2>/dev/null || { echo 'novaboot: the Debian package libexpect-perl is missing' >&2; exit 69; }
  exec unshare --mount --net --pid --mount-proc --kill-child --fork sh "$0" --inside "$checkout"
fi
checkout=$2

ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /mnt
for directory in upper work programs; do mkdir "/mnt/$directory"; done
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
for directory in /run /home; do mount -t tmpfs -o mode=755 tmpfs "$directory"; done
mount -t tmpfs -o mode=700 tmpfs /root
mkdir -m 755 /run/sshd
cp "$checkout/novaboot" /mnt/programs/
mount --bind /mnt/programs /usr/local/bin
useradd -m -s "$shell" novaboot-test
echo 'root ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers

/usr/sbin/sshd
export HOME=/root XDG_RUNTIME_DIR=/run
mkdir -m 700 /root/.ssh
ssh-keyscan localhost >/root/.ssh/known_hosts 2>/dev/null
ln -sf "$shell" "$checkout/server/novaboot-shell"
cd "$checkout/tests"
PATH=$checkout:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ./wvtool run ./server.wv
