#!/bin/sh
# Runs what the test asks for over the virtio port "agent", several commands side by side if need be.
#
# In:  ID SCRIPT                (base64)
# Out: ready, then ID STATUS STDOUT STDERR lines (base64, each after a colon, as it may be empty)
work=/run/agent
mkdir -p $work
for port in /sys/class/virtio-ports/*; do
  [ "$(cat "$port/name")" != agent ] || exec 3<>"/dev/${port##*/}"
done
mkfifo $work/done
# One process writes, whole lines; the FIFO stays open so that it never ends.
while read -r id; do
  cat "$work/$id.reply" >&3
  rm -f "$work/$id".*
done <>$work/done &
echo ready >&3

while read -r id script <&3; do
  (
    echo "$script" | base64 -d >$work/$id.script
    /bin/sh $work/$id.script </dev/null >$work/$id.out 2>$work/$id.err 3>&-
    status=$?
    {
      printf '%s %s :' "$id" "$status"
      base64 <$work/$id.out | tr -d '\n'
      printf ' :'
      base64 <$work/$id.err | tr -d '\n'
      echo
    } >$work/$id.reply
    echo "$id" >$work/done
  ) &
done
