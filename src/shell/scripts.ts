/**
 * The two fixed scripts that /bin/sh runs for us. What users say reaches them as positional parameters only, never
 * as text of the script.
 */

/** In force while a configuration is read, as in the original. */
const PRELUDE = `set -e
die() { echo "novaboot-shell: $*" >&2; exit 1; }
`;

/**
 * Reads the configuration and runs one of its commands, as the shell-script original does (with `set -e`, and
 * functions and variables of the file in reach of the command).
 *
 * Parameters: default, console, reset, on or off; the path of the configuration.
 */
export const COMMAND_SCRIPT = `${PRELUDE}run_novaboot() {
  nb_script=$1
  shift
  nb_ifs=$IFS
  IFS='
'
  set -f
  novaboot "$nb_script" $target_config --server="$HOME/tftproot" --reset-cmd="$reset_cmd" --remote-cmd="$console_cmd" "$@"
  set +f
  IFS=$nb_ifs
}
# A syntax error in the file ends a shell with status 2.
trap '[ $? != 2 ] || exit 78' EXIT
. "$2"
trap - EXIT
nb_name=$1_cmd
case $1 in
  default) nb_name=console_cmd nb_command=\${default_cmd:-\${console_cmd-}} ;;
  console) nb_command=\${console_cmd-} ;;
  reset) nb_command=\${reset_cmd-} ;;
  on) nb_command=\${on_cmd-} ;;
  off) nb_command=\${off_cmd-} ;;
esac
[ -n "$nb_command" ] || { echo "novaboot-shell: $nb_name is not set in $2" >&2; exit 69; }
case $1 in
  default | console)
    echo 'novaboot-shell: Connected'
    if [ -n "\${on_cmd-}" ]; then
      trap 'echo "novaboot-shell: on_cmd failed" >&2' EXIT
      eval "$on_cmd"
      trap - EXIT
    fi
    ;;
esac
shift 2
eval "$nb_command"
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
