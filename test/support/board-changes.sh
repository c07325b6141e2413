#!/bin/sh
# What a user changes on a board: run there, and, to see what it must come to, in a copy of the tree on this machine.
set -eu
umask 022
cd /srv/special

# Contents
echo 'changed on the board' >/etc/motd
echo more >>home/33-44
printf data | dd of=sparse/nothing-else bs=1 seek=4000000 conv=notrunc status=none
truncate -s 3 links/again

# Owners, modes, times
chown 1000:1001 var/file6711
chown -h 5:6 home/0-0.link
chmod 4755 home/0-0
chmod 1700 home/1-2.d
chmod 640 acl/mask
chown 7:8 acl/file
touch -h -d '2030-01-02 03:04:05.060708090 UTC' links/absolute var/file0000
touch -d '2031-01-02 03:04:05.999999999 UTC' var

# What the kernel takes away then: capabilities and set-id bits
echo more >>xattr/written
chown 5:6 xattr/given
truncate -s 99 xattr/cut
su nobody -s /bin/sh -c 'echo more >>/srv/special/var/set-id'

# New files of all types
mkdir -m 2775 /srv/made
chown 1:5 /srv/made
chmod g+s /srv/made
echo inherits >/srv/made/file
mkdir /srv/made/directory
mknod /srv/made/null c 1 3
mknod /srv/made/disk b 259 70000
mkfifo /srv/made/fifo
chmod 600 /srv/made/disk
chmod 2620 /srv/made/fifo
perl -MSocket -e 'socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un "/srv/made/socket" or die $!'
ln -s ../special /srv/made/link
ln var/file4755 /srv/made/set-id
cp -p /usr/bin/passwd /srv/made/passwd
dd if=/dev/zero of=/srv/made/sparse bs=4096 seek=1000 count=1 status=none
su nobody -s /bin/sh -c 'echo mine >/tmp/mine; chmod 4711 /tmp/mine'

# Names
mv xattr/moved /usr/bin/ping
mv deep /srv/made/
mv links/file /srv/made/linked
mv dev/disk /srv/made/large-disk
rm -r empty links/pipe "names/$(printf 'new\nline')" names/directories
echo over >/srv/made/over
mv /srv/made/over links/out

# As Debian changes itself
dpkg -i /root/board-test.deb
board-test
sync
