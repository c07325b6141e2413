#!/usr/bin/busybox sh
# The first process of a guest. Loads the modules, brings the network up, and then either serves commands here (as
# guest-agent.sh) or, with nfsroot=SERVER:PATH,OPTIONS on the kernel's command line, does what an initramfs for such a
# board does: mounts that directory and goes on with its /sbin/init.
busybox=/usr/bin/busybox
$busybox mkdir -p /proc /sys /dev /run /tmp /root /mnt /applets
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sys /sys
$busybox mount -t devtmpfs dev /dev
$busybox mount -t tmpfs run /run
$busybox --install -s /applets
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/applets HOME=/root LC_ALL=C
chmod 1777 /tmp

while read -r module; do
  insmod "/modules/$module.ko" || echo "guest-init: cannot load $module"
done </modules/order
ip link set lo up
# Addresses of QEMU's user network
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

for word in $(cat /proc/cmdline); do
  case $word in nfsroot=*) nfsroot=${word#nfsroot=} ;; esac
done
if [ -n "${nfsroot-}" ]; then
  source=${nfsroot%%,*}
  options=${nfsroot#"$source"}
  # As the kernel's own nfsroot does: nolock
  mount -t nfs -o "nolock,addr=${source%%:*}$options" "$source" /mnt || echo 'guest-init: cannot mount the root'
  for directory in proc sys dev run; do mount --move "/$directory" "/mnt/$directory"; done
  exec switch_root /mnt /sbin/init
fi
exec /bin/sh /guest-agent.sh
