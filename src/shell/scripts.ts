/**
 * Fixed scripts that /bin/sh runs for us (the third is in command-script.ts). What users say reaches them as
 * positional parameters only, never as text of the script.
 */

/** In force while a configuration is read, as in the original. */
export const PRELUDE = `set -e
die() { echo "novaboot-shell: $*" >&2; exit 1; }
`;

/** Prints target_config and nothing else, whatever the configuration prints while it is read. */
export const CONFIG_SCRIPT = `${PRELUDE}exec 3>&1 1>&2
. "$1"
printf %s "\${target_config-}" >&3
`;

/**
 * Runs a program under the board's lock. This sh, the very process that sshd started, has the only copy of the
 * lock's descriptor (9), so its end frees the board whatever the program left behind. On HUP and TERM it ends the
 * program first; if something else ends it, the kernel does (PR_SET_PDEATHSIG).
 *
 * Parameters: the target of kill(1) (0 for the process group where it is ours, else empty for the program alone);
 * a file to remove at the end, or empty; the beginning of the journal's end record; the program and its arguments.
 * Descriptor 7 is the journal.
 *
 * A background command of a non-interactive sh has INT and QUIT ignored and no standard input (POSIX XCU 2.11,
 * 2.9.3): hence env --default-signal and descriptor 8. A signal before the program is there waits for it, and the
 * program does not begin if this sh ended before the kernel knew what to do then.
 */
export const LOCK_SCRIPT = `nb_target=$1 nb_file=$2 nb_record=$3
shift 3
trap '' INT QUIT
nb_early=
trap 'nb_early="HUP 129"' HUP
trap 'nb_early="TERM 143"' TERM
exec 8<&0
setpriv --pdeathsig TERM -- sh -c '[ "$PPID" = "$1" ] || exit 143
shift
exec env --default-signal=INT,QUIT -- "$@"' novaboot-shell $$ "$@" <&8 7>&- 8<&- 9<&- &
nb_child=$!
exec 8<&-
finish() {
  [ -z "$nb_file" ] || rm -f -- "$nb_file"
  printf '%s,"time":"%s","status":%d}\\n' "$nb_record" "$(date -u +%FT%TZ)" "$1" 2>/dev/null >&7
}
stop() {
  trap '' HUP TERM
  (sleep 0.5; kill -KILL "\${nb_target:-$nb_child}") </dev/null >/dev/null 2>&1 7>&- 9<&- &
  kill -TERM "\${nb_target:-$nb_child}"
  wait "$nb_child"
  finish "$2"
  trap - "$1"
  kill -"$1" $$
}
trap 'stop HUP 129' HUP
trap 'stop TERM 143' TERM
[ -z "$nb_early" ] || stop $nb_early
wait "$nb_child"
nb_status=$?
trap '' HUP TERM
finish "$nb_status"
exit "$nb_status"
`;
