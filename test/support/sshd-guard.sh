#!/bin/sh
# Runs Debian's sshd for one test lab, as root in a mount namespace of its own, until standard input ends: when the
# test closes it, or dies. Then it ends what belongs to the lab, process by process.
#
# Parameters: the lab's directory, the repository, the account, its uid, its login shell, a size in KiB for a home
# directory on a file system of its own (or empty).
# The lab's directory holds sshd_config, authorized_keys and, if wanted, setup.sh (sourced here) and programs/.
set -eu
lab=$1 repo=$2 account=$3 uid=$4 shell=$5 home_size=$6
home=$lab/home
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022

# The highest directory on the way to $1 that the account may not enter.
closed_directory() {
  case $1 in /) return ;; esac
  closed_directory "$(dirname "$1")"
  case $(stat -L -c %A "$1" 2>/dev/null) in *[xt] | '') ;; *) echo "$1" ;; esac
}

# Puts an empty directory in the place of $1, in which the lab and the programs stay where they were.
replace_directory() {
  mount -t tmpfs -o "mode=$2" tmpfs "$1"
  part_number=0
  for part in "$lab" "$repo/dist" "$repo/node_modules"; do
    part_number=$((part_number + 1))
    [ -e "$part" ] || { mkdir -p "$part" && mount --rbind "/run/parts/$part_number" "$part"; }
  done
}

chmod 755 "$lab"
# A clone made under umask 077: what was built and installed is no secret.
if [ -n "$(find "$repo/dist" "$repo/node_modules/" -maxdepth 1 ! -type l ! -perm -o=r)" ]; then
  chmod -R a+rX "$repo/dist" "$repo/node_modules/"
fi
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/parts/1 /run/parts/2 /run/parts/3
mount --rbind "$lab" /run/parts/1
mount --rbind "$repo/dist" /run/parts/2
mount --rbind "$repo/node_modules" /run/parts/3
replace_directory /tmp 1777
for part in "$lab" "$repo/dist" "$repo/node_modules"; do
  closed=$(closed_directory "$part" | head -n 1)
  [ -z "$closed" ] || replace_directory "$closed" 755
done

install -m 644 /etc/passwd /run/passwd
install -m 644 /etc/group /run/group
install -m 600 /etc/shadow /run/shadow
echo "$account:x:$uid:$uid:board:$home:$shell" >>/run/passwd
echo "$account:x:$uid:" >>/run/group
echo "$account:*:20000:0:99999:7:::" >>/run/shadow
for file in passwd group shadow; do mount --bind "/run/$file" "/etc/$file"; done
[ ! -d "$lab/programs" ] || mount --bind "$lab/programs" /usr/local/bin

mkdir -m 700 "$home"
[ -z "$home_size" ] || mount -t tmpfs -o "mode=700,size=${home_size}k" tmpfs "$home"
mkdir -m 700 "$home/.ssh"
install -m 600 "$lab/authorized_keys" "$home/.ssh/authorized_keys"
chown -R "$uid:$uid" "$home"
if [ -e "$lab/setup.sh" ]; then . "$lab/setup.sh"; fi

/usr/sbin/sshd -D -f "$lab/sshd_config" -E "$lab/sshd.log" </dev/null >/dev/null &
sshd=$!
until grep -q '^Server listening' "$lab/sshd.log" 2>/dev/null; do
  if ! kill -0 "$sshd"; then
    cat "$lab/sshd.log" >&2
    exit 1
  fi
  sleep 0.02
done
chmod 644 "$lab/sshd.log"
echo "ready $$"
cat >/dev/null

with_field() { grep -lsE "^$1:[[:space:]]+$2([[:space:]]|$)" /proc/[0-9]*/status | cut -d/ -f3 || true; }
connections=$(with_field PPid "$sshd")
kill -KILL "$sshd"
for pid in $connections; do kill -KILL "$pid" 2>/dev/null || true; done
while processes=$(with_field Uid "$uid") && [ -n "$processes" ]; do
  for pid in $processes; do kill -KILL "$pid" 2>/dev/null || true; done
  sleep 0.02
done
