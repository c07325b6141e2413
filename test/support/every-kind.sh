# Fills the current directory, as root, with every kind of file that a root file system can have, by every kind of
# owner, mode, time, name and attribute. Parameter: an owner to use besides others, the board account's.
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
account=$1
mkdir -p bin dev etc/deep/deeper empty home/user var/tmp names links sparse acl xattr times
echo content >etc/file
: >etc/nothing
head -c 300000 /dev/urandom >bin/binary
echo deep >etc/deep/deeper/file

# Types
mknod dev/console c 5 1
mknod dev/large-numbers c 300 70000
mknod dev/disk b 8 1
mkfifo dev/pipe
node_socket() { "$NODE" -e 'require("net").createServer().listen(process.argv[1], () => process.exit())' "$1"; }
node_socket dev/socket
ln -s file etc/link
ln -s /absolute/nowhere links/absolute
ln -s ../../../../../../.. links/out
ln -s "$(printf '%04000d' 0)" links/long
ln -s "$(printf 'not\377utf8\nand a newline')" links/odd

# Modes
for mode in 4755 2755 6711 1777 0000 0444 0200 0111 7777; do
  echo "$mode" >"var/file$mode"
  chmod "$mode" "var/file$mode"
  mkdir "var/directory$mode"
  echo inside >"var/directory$mode/inside"
  chmod "$mode" "var/directory$mode"
done
chmod 1777 var/tmp
chmod 0644 bin/binary

# Owners
for owner in 0:0 1:2 33:44 1000:1000 "$account:$account" "0:$account" "$account:0" 4294967294:4294967293; do
  name=home/$(echo "$owner" | tr : -)
  echo "$owner" >"$name"
  mkdir "$name.d"
  ln -s target "$name.link"
  mknod "$name.device" c 1 3
  chown -h "$owner" "$name" "$name.d" "$name.link" "$name.device"
done
chown 1000:1000 home/user

# Hard links: of files, symbolic links, devices, FIFOs, and between directories
ln etc/file links/file
ln etc/file links/again
ln links/absolute links/absolute2
ln dev/console links/console
ln dev/pipe links/pipe

# Names
for name in '-rf' '--delete' ' blanks  ' '*' '?[a]' 'back\slash' "quote'\"" '$HOME' '~' '#' '%stat' '.hidden' 'backup~' \
  "$(printf 'new\nline')" "$(printf 'tab\tand\001\177')" "$(printf '\377\376\200')" "$(printf '\303\244')" \
  '.file.AbCdEf' '.~tmp~' '@1' 'user.rsync.%stat' "$(printf '%0255d' 0)"; do
  printf %s "$name" >"names/$name"
  mkdir -p "names/directories/$name"
  : >"names/directories/$name/$name"
done

# Holes: before, between and behind data
truncate -s 5000000 sparse/nothing-else
printf data | dd of=sparse/between bs=1 seek=3000000 conv=notrunc status=none
truncate -s 6000000 sparse/between
printf 'data' >sparse/behind
truncate -s 1000000 sparse/behind

# Attributes
setfattr -n user.text -v value xattr/ 
echo x >xattr/file
setfattr -n user.binary -v 0x00ff0a0d00 xattr/file
setfattr -n user.empty xattr/file
setfattr -n user.long -v "0x$(printf '%02400d' 7)" xattr/file
setfattr -n trusted.some -v 0x0001 xattr/file
setfattr -n "user.$(printf 'odd\001\377')" -v x xattr/file
ln -s file xattr/link
setfattr -h -n trusted.of-a-link -v value xattr/link
setfattr -n trusted.of-a-device -v value dev/disk
echo capable >xattr/capable
setcap cap_net_raw,cap_net_admin+eip xattr/capable
chmod 755 xattr/capable
echo both >xattr/capable-of-somebody
chown "$account:33" xattr/capable-of-somebody
setcap cap_sys_admin=ep xattr/capable-of-somebody

# ACLs
echo x >acl/file
setfacl -m u:1000:rw,u:33:r,g:44:x,m::rwx acl/file
mkdir acl/directory acl/default
setfacl -m "u:$account:rwx" acl/directory
setfacl -d -m u:1000:rwx,g:1000:rx,o::- acl/default
echo x >acl/default/inherits
chown 1000:33 acl/default acl/file

# Times: nanoseconds, before 1970, beyond 2038
for time in '2001-02-03 04:05:06.123456789' '1960-01-01 00:00:00.000000001' '2100-01-01 00:00:00.999999999' @0; do
  : >"times/$time"
  mkdir "times/$time.d"
  ln -s x "times/$time.link"
  touch -h -d "$time" "times/$time" "times/$time.d" "times/$time.link"
done
# rsync leaves the time of what it makes in the same second
find . -path './times/*' -o -exec touch -h -d '2005-06-07 08:09:10.111213141' {} +
