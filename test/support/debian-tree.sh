#!/bin/sh
# Makes the root file system of a board, as root: a copy of the Debian tree that scripts/systemd-tree.sh makes, with what
# a board without udev needs to come up to `login:` on its serial line, and, beneath /srv/special, every kind of file.
#
# Parameters: Debian's tree, the new directory, a uid that is the board account's own on the server. NODE: its program.
set -eu
debian=$1 tree=$2 account=$3
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
started=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)

cp -a --reflink=auto "$debian" "$tree"
cd "$tree"

# Debian as it is after installation
rm -rf run/* tmp/*
echo board >etc/hostname
echo 0123456789abcdef0123456789abcdef >etc/machine-id
# The password is "board".
sed -i 's|^root:[^:]*:|root:$6$novaboot$hUgd2XV82.gyZJNCeU5Z5I/zZ05x8KrrMqHHaUTqlUU.8VpQoENR5EPBprUKUjxnOFPUOj4XZsS2ho9Rypnhr1:|' etc/shadow
units=etc/systemd/system
ln -s /lib/systemd/system/multi-user.target $units/default.target
ln -s /lib/systemd/system/console-getty.service $units/getty.target.wants/
# serial-getty waits for udev; sshd for keys; the others cost time.
for unit in serial-getty@ttyS0.service getty@tty1.service getty-static.service ssh.service e2scrub_reap.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
  ln -sf /dev/null $units/$unit
done

sh "$here/board-package.sh" root/board-test.deb

# rsync takes files other than regular ones for unchanged whose times differ by less than a second, and so would those
# that it makes in the second in which they were made here.
find . -newermt @"$started" -exec touch -h -d '2024-05-06 07:08:09.123456789 UTC' {} +

mkdir srv/special
cd srv/special
sh "$here/every-kind.sh" "$account"

# What a board's changes meet
cd xattr
cp -p ../../../usr/bin/true written
cp -p written given
cp -p written cut
cp -p written moved
for file in written given cut moved; do setcap cap_net_raw=ep $file; done
cd ..
echo text >acl/mask
setfacl -m u:1000:rw,m::rw acl/mask
echo set-id >var/set-id
chmod 6777 var/set-id
deep=$(printf 'd%.0s' $(seq 1 240))
deep=deep/$deep/$deep/$deep/$deep/$deep
mkdir -p "$deep"
echo text >"$deep/file"

touch -h -d '2024-05-06 07:08:09.123456789 UTC' ../.. .. . acl acl/mask var var/set-id xattr xattr/*
find deep -exec touch -d '2024-05-06 07:08:09.123456789 UTC' {} +
