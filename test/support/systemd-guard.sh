#!/bin/sh
# Boots a Debian tree with systemd and the programs of dist/ in a container, as root, until standard input ends
# (container-guard.sh).
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
find "$directory/dist" -type f ! -name '*.js' -exec sed -i "s|$repo/|$there/|g" {} +
for file in passwd group shadow; do install -m 644 "$tree/etc/$file" "$directory/$file"; done
# A board account: its name and uid
add_board() {
  home=$directory/home/$1
  mkdir -p "$home/.ssh"
  install -m 600 "$directory/authorized_keys" "$home/.ssh/authorized_keys"
  chmod 700 "$home" "$home/.ssh"
  chown -R "$2:$2" "$home"
  echo "$1:x:$2:$2:board:/home/$1:$there/dist/novaboot-shell" >>"$directory/passwd"
  echo "$1:x:$2:" >>"$directory/group"
  echo "$1:*:20000:0:99999:7:::" >>"$directory/shadow"
}
add_board board "$uid"
add_board other "$((uid + 100000))"
echo 'novaboot:x:968:board,other' >>"$directory/group"
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

set -- --volatile=overlay
# sudo looks its own host up.
echo "127.0.0.1 localhost $(cat "$tree/etc/hostname")" >"$directory/hosts"
for file in passwd group shadow hosts; do set -- "--bind-ro=$directory/$file:/etc/$file" "$@"; done
for unit in "$directory"/dist/units/*; do
  case $unit in
    *.sudoers)
      chmod 440 "$unit"
      place=/etc/sudoers.d/novaboot
      ;;
    */novaboot-nfsd@* | */novaboot-delayed-*) place=/etc/systemd/user/${unit##*/} ;;
    *) place=/etc/systemd/system/${unit##*/} ;;
  esac
  set -- "--bind-ro=$unit:$place" "$@"
done
# Who lingers, is to be known after a reboot.
mkdir "$directory/linger"
set -- "--bind=$directory/linger:/var/lib/systemd/linger" "$@"
[ "$network" = shared ] || set -- --private-network "$@"
set -- "--bind-ro=$directory/sshd_config:/etc/ssh/sshd_config" \
  "--bind-ro=$directory/host:/etc/ssh/novaboot_host_key" "--bind-ro=$directory/dist:$there/dist" \
  "--bind-ro=$repo/node_modules:$there/node_modules" "--bind=$directory/home:/home" "$@"
. "${0%/*}/container-guard.sh"
