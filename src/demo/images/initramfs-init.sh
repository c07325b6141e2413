#!/bin/busybox sh
# The first process of the demo's board. With nfsroot=SERVER:PATH,OPTIONS on the kernel's command line, as get-config
# prints them, it gets an address by DHCP, mounts that directory, and goes on with the system there.
/bin/busybox mkdir -p /proc /sys /bin /root
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
export PATH=/bin

# Says why, and stays, so that the board does not boot over and over.
fail() {
  echo "initramfs: $*"
  while :; do sleep 3600; done
}

while read -r module; do
  insmod "/modules/$module.ko" || fail "cannot load the module $module"
done </modules/order

nfsroot=
for word in $(cat /proc/cmdline); do
  case $word in nfsroot=*) nfsroot=${word#nfsroot=} ;; esac
done
source=${nfsroot%%,*}
options=${nfsroot#"$source"}
case $source in
  *:/*) ;;
  *) fail 'the kernel needs nfsroot=SERVER:PATH,OPTIONS' ;;
esac
server=${source%%:/*}
server=${server#[}

ip link set lo up
ip link set eth0 up || fail 'no network interface'
udhcpc -q -n -f -i eth0 -s /dhcp.sh >/dev/null 2>&1 || fail 'no address by DHCP'
echo "Mounting $source$options at $(cat /address)"
# nolock, as the kernel's own nfsroot has it: nobody else writes to the root.
mount -t nfs -o "nolock,addr=${server%]}$options" "$source" /root || fail "cannot mount $source"
[ -x /root/sbin/init ] || [ -L /root/sbin/init ] || fail "there is no /sbin/init in $source"
umount /proc
exec switch_root /root /sbin/init
