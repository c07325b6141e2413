# Boots a tree in a container with systemd until standard input ends: when the test closes it, or dies. Sourced, as root,
# by systemd-guard.sh and package-guard.sh.
#
# Expects: $tree; $directory, the test's, which goes with the container; $port, whose listener says that all is up; and
# nspawn's further parameters as "$@".
# Each line on standard input says that the container reboots; each boot is a line `ready PID CGROUP` of its systemd.
# shellcheck shell=sh

set -- --quiet --register=no --keep-unit --directory="$tree" --console=pipe --boot "$@"
# What the daemons' confinement needs, and this nspawn may not know.
set -- "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self" "$@"

# nspawn makes its cgroup, always of the same name, in that of who starts it: the units of two containers would be one, and
# a session of one would last as long as that of the other.
cgroup=novaboot-test-$$
own=$(findmnt -f -n -o TARGET -t cgroup2)$(sed -n 's/^0:://p' /proc/self/cgroup)/$cgroup
mkdir -p "$own"

running() { kill -0 "$nspawn" 2>/dev/null; }
leader() { cut -d " " -f 1 "/proc/$nspawn/task/$nspawn/children"; }
# As a power cut does it: the orderly way would sync all disks of this machine. With its systemd go all its processes, and
# then nspawn; they would outlive nspawn.
end() {
  init=$(leader 2>/dev/null) || :
  kill -KILL "${init:-$nspawn}" || :
  wait "$nspawn" || :
  find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || :
}
trap 'end; rm -rf "$directory"' EXIT

boot() {
  (
    echo 0 >"$own/cgroup.procs"
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn "$@" </dev/null >"$directory/console" 2>&1
  ) &
  nspawn=$!
  deadline=$(($(date +%s) + 90))
  until grep -q ":$(printf %04X "$port") 0*:0000 0A" "/proc/$(leader)/net/tcp" 2>/dev/null; do
    if ! running || [ "$(date +%s)" -gt "$deadline" ]; then
      echo "systemd did not start in the container:" >&2
      tail -n 20 "$directory/console" >&2
      exit 1
    fi
    sleep 0.1
  done
  echo "ready $(leader) $own/payload/init.scope"
}
boot "$@"
while read -r _; do
  # Ends with a status that says so.
  wait "$nspawn" || :
  boot "$@"
done
