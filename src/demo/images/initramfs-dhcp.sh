#!/bin/busybox sh
# What udhcpc calls with what it was told.
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "${router%% *}"
echo "$ip" >/address
