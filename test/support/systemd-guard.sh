#!/bin/sh
# Boots a Debian tree with systemd in a container, as root, until standard input ends: when the test closes it, or dies.
# Nothing that happens in the container stays but what its home directories hold.
#
# Parameters: the tree, the repository, the test's directory, the port of sshd, the uid of the board account, the network
# ("own": the container has nothing but a loopback; "shared": the machine's).
# The test's directory holds authorized_keys and host (a key), and gets home/.
set -eu
tree=$1 repo=$2 directory=$3 port=$4 uid=$5 network=$6
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022

# A clone made under umask 077: what was built and installed is no secret.
if [ -n "$(find "$repo/dist" "$repo/node_modules/" -maxdepth 1 ! -type l ! -perm -o=r)" ]; then
  chmod -R a+rX "$repo/dist" "$repo/node_modules/"
fi
chmod 755 "$directory"
# There it lies where the README has it: a clone in /tmp would be out of sight behind PrivateTmp.
there=/opt/novaboot-server
cp -R "$repo/dist" "$directory/dist"
find "$directory/dist/units" "$directory/dist/novaboot-shell" "$directory"/dist/novaboot-*d -type f \
  -exec sed -i "s|$repo/|$there/|g" {} +
home=$directory/home/board
mkdir -p "$home/.ssh"
install -m 600 "$directory/authorized_keys" "$home/.ssh/authorized_keys"
chmod 700 "$home" "$home/.ssh"
chown -R "$uid:$uid" "$home"
for file in passwd group shadow; do install -m 644 "$tree/etc/$file" "$directory/$file"; done
echo "board:x:$uid:$uid:board:/home/board:$there/dist/novaboot-shell" >>"$directory/passwd"
echo "board:x:$uid:" >>"$directory/group"
echo 'board:*:20000:0:99999:7:::' >>"$directory/shadow"
# A system account, as adduser --system makes it.
echo 'novaboot-tftpd:x:969:969::/nonexistent:/usr/sbin/nologin' >>"$directory/passwd"
echo 'novaboot-tftpd:x:969:' >>"$directory/group"
cat >"$directory/sshd_config" <<END
ListenAddress 127.0.0.1:$port
HostKey /etc/ssh/novaboot_host_key
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
END

set -- --quiet --register=no --keep-unit --directory="$tree" --volatile=overlay --console=pipe --boot
# What the daemon's confinement needs, and this nspawn may not know.
set -- "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self" "$@"
for file in passwd group shadow; do set -- "--bind-ro=$directory/$file:/etc/$file" "$@"; done
for unit in "$directory"/dist/units/*; do
  case $unit in */novaboot-tftpd.*) manager=system ;; *) manager=user ;; esac
  set -- "--bind-ro=$unit:/etc/systemd/$manager/${unit##*/}" "$@"
done
[ "$network" = shared ] || set -- --private-network "$@"
set -- "--bind-ro=$directory/sshd_config:/etc/ssh/sshd_config" \
  "--bind-ro=$directory/host:/etc/ssh/novaboot_host_key" "--bind-ro=$directory/dist:$there/dist" \
  "--bind-ro=$repo/node_modules:$there/node_modules" "--bind=$directory/home:/home" "$@"
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn "$@" </dev/null >"$directory/console" 2>&1 &
nspawn=$!

running() { kill -0 "$nspawn" 2>/dev/null; }
# The first signal asks the container's systemd to end, the second one does not ask.
end() {
  for second in 0 1 2 3 4 5 6 7 8 9; do
    running || return 0
    case $second in 0 | 5 | 8) kill -TERM "$nspawn" ;; esac
    sleep 1
  done
  kill -KILL "$nspawn"
}
trap 'end; rm -rf "$directory"' EXIT

tries=0
leader() { cut -d " " -f 1 "/proc/$nspawn/task/$nspawn/children"; }
until grep -q ":$(printf %04X "$port") 0*:0000 0A" "/proc/$(leader)/net/tcp" 2>/dev/null; do
  tries=$((tries + 1))
  if ! running || [ "$tries" -gt 300 ]; then
    echo "systemd did not start in the container:" >&2
    tail -n 20 "$directory/console" >&2
    exit 1
  fi
  sleep 0.1
done
echo "ready $(leader)"
cat >/dev/null
