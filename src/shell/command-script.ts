/**
 * The script that reads the configuration and runs one of its commands, as the shell-script original does (with
 * `set -e`, and functions and variables of the file in reach of the command), or what takes the place of a command
 * that is not set: the drivers of `power` and `console`.
 */
import { PRELUDE } from './scripts.ts';

/**
 * Runs COMMAND_SCRIPT, its first parameter, which then has its own text: what novaboot-console or the novaboot client
 * runs for us is the same script again.
 */
export const RUN_COMMAND_SCRIPT = 'eval "$1"';

/**
 * Parameters: this text; what to do; the path of the configuration; the journal; the beginning of the journal's power
 * records, which no other session has; the directory of our programs; the program that switches through systemd, or
 * empty; the parent, where that is this script.
 *
 * To do: default, console, reset, on or off, as users say it; state prints what the power driver sees. The others the
 * script itself asks for:
 *
 * - do-on, do-off and do-reset switch, while their parent waits to note down how that ends. So an own command may
 *   exec, and if the parent is killed, the kernel tells it to end: somebody else has the board then.
 * - again-console (behind the relay that logs it), again-on (once the console's line is open), again-reset and
 *   again-do-reset (by the novaboot client), again-own-off and again-own-on (the parts of a reset) read the
 *   configuration for a second time, of whose output users see nothing.
 *
 * Values of `power` and `console` are never evaluated. Those of `power` may hold a password, which arguments would
 * show to everybody: they go through standard input.
 */
export const COMMAND_SCRIPT = `${PRELUDE}nb_script=$1 nb_config=$3 nb_journal=$4 nb_record=$5 nb_programs=$6 nb_route=$7
nb_todo=$2 nb_parent=\${8-}
set -- "\${2#do-}" "$3"
run_novaboot() {
  nb_file=$1 nb_reset=\${reset_cmd-} nb_remote=\${console_cmd-}
  shift
  if [ -z "$nb_reset" ] && nb_can reset; then
    export nb_script nb_config nb_journal nb_record nb_programs nb_route
    nb_reset='/bin/sh -c '\\''${RUN_COMMAND_SCRIPT}'\\'' novaboot-shell "$nb_script" again-reset'
    nb_reset="$nb_reset"' "$nb_config" "$nb_journal" "$nb_record" "$nb_programs" "$nb_route"'
  fi
  if [ -z "$nb_remote" ] && [ -n "\${console-}" ]; then
    export nb_programs console
    nb_remote='exec "$nb_programs/novaboot-console" plain-line "$console"'
  elif [ -n "$nb_remote" ] && [ "\${console_log-}" = yes ]; then
    export nb_programs console_cmd
    nb_remote='exec "$nb_programs/novaboot-console" command /bin/sh -c "$console_cmd"'
  fi
  nb_ifs=$IFS
  IFS='
'
  set -f
  novaboot "$nb_file" $target_config --server="$HOME/tftproot" --reset-cmd="$nb_reset" --remote-cmd="$nb_remote" "$@"
  set +f
  IFS=$nb_ifs
}
# Runs a program with arguments, which end with what runs this script again to do $1.
nb_again() {
  nb_name=$1
  shift
  "$@" /bin/sh -c '${RUN_COMMAND_SCRIPT}' novaboot-shell "$nb_script" "$nb_name" "$nb_config" "$nb_journal" "$nb_record" \\
    "$nb_programs" "$nb_route" $$
}
# The same for a program that ends when this shell does.
nb_below() {
  nb_again "$1" setpriv --pdeathsig TERM -- env --default-signal=INT,QUIT --
}
# Notes down that the board is being switched (status null), or how that ended. A full disk is no reason not to.
nb_event() {
  printf '%s,"time":"%s","action":"%s","status":%s}\\n' "$nb_record" "$(date -u +%FT%T.%3NZ)" "$1" "$2" \\
    >>"$nb_journal" || :
} 2>/dev/null
# Whether there is anything to switch the board with. In files from before there were drivers, power may be anything:
# a console is not kept from its users by a value without a driver's name.
nb_can() {
  case $1 in
    connect) case \${on_cmd:+:}\${power-} in *:*) ;; *) return 1 ;; esac ;;
    on) [ -n "\${on_cmd-}\${power-}" ] ;;
    off) [ -n "\${off_cmd-}\${power-}" ] ;;
    reset) [ -n "\${reset_cmd-}\${power-}\${off_cmd:+\${on_cmd-}}" ] ;;
  esac
}
# Runs a driver: if this shell is killed, the kernel ends it.
nb_driver() {
  "$@" <<NB_POWER
$power
NB_POWER
}
# The program says itself what goes wrong with it; sudo, which may not run it, does so in its own way.
nb_systemd() {
  nb_said=$(sudo -n "$nb_route" "$1" 2>&1 </dev/null)
  nb_status=$?
  case $nb_status$nb_said in
    0*) ;;
    *novaboot-shell:*) printf '%s\\n' "$nb_said" >&2 ;;
    *) echo "novaboot-shell: $1: $nb_said; the administrator has to install novaboot.sudoers" >&2 ;;
  esac
  return "$nb_status"
}
# If it is to end in between, it switches on at once, as the drivers do.
nb_off_and_on() {
  nb_ended=0
  trap 'nb_ended=129' HUP
  trap 'nb_ended=130' INT
  trap 'nb_ended=143' TERM
  nb_below again-own-off
  nb_status=$?
  [ "$nb_status" = 0 ] || return "$nb_status"
  if [ "$nb_ended" = 0 ]; then
    sleep "$nb_seconds" &
    wait $!
    kill $!
  fi 2>/dev/null
  nb_below again-own-on
  nb_status=$?
  if [ "$nb_status" != 0 ]; then
    echo 'novaboot-shell: The board is off, because on_cmd failed after off_cmd; try: on' >&2
    return "$nb_status"
  fi
  return "$nb_ended"
}
# Switches without a command of that name, or through systemd. Errors are ignored here, as its parts see to them.
# $2 is exec where this shell has nothing more to do: signals are the driver's then.
nb_switch() {
  if [ -n "$nb_route" ] && [ "$1" != reset ]; then
    nb_systemd "$1"
  elif [ -z "\${power-}" ]; then
    nb_off_and_on
  elif [ "$1" = reset ]; then
    nb_driver \${2-} setpriv --pdeathsig TERM -- "$nb_programs/novaboot-driver" reset "$nb_seconds"
  else
    nb_driver \${2-} setpriv --pdeathsig TERM -- "$nb_programs/novaboot-driver" "$1"
  fi
}
nb_wrong_delay() {
  echo "novaboot-shell: reset_delay must be a number of seconds up to 600 in $nb_config" >&2
  exit 78
}
# For resets that are not the configuration's own.
nb_check_delay() {
  nb_seconds=\${reset_delay:-2}
  case $nb_seconds in
    .* | *. | *[!0-9.]* | *.*.*) nb_wrong_delay ;;
  esac
  [ "\${nb_seconds%.*}" -le 600 ] 2>/dev/null || nb_wrong_delay
}
case $nb_todo in
  on | off | reset | again-reset)
    # What switches is the next user's to be rid of, so it has ended when this shell does.
    nb_child=
    trap '' INT QUIT
    trap '[ -z "$nb_child" ] || kill -TERM "$nb_child" 2>/dev/null' HUP TERM
    set +e
    case $nb_todo in again-*) nb_switched=again-do-reset ;; *) nb_switched=do-$nb_todo ;; esac
    # A background command has no standard input of its own accord.
    exec 8<&0
    nb_again "$nb_switched" exec setpriv --pdeathsig TERM -- env --default-signal=INT,QUIT -- <&8 8<&- &
    nb_child=$!
    exec 8<&-
    wait "$nb_child"
    nb_status=$?
    while kill -0 "$nb_child" 2>/dev/null; do
      wait "$nb_child"
      nb_status=$?
    done
    # If it has switched, and that could be noted down; another session may have begun a new file.
    ! grep -qsF -- "$nb_record" "$nb_journal" "$nb_journal.1" || nb_event "\${nb_todo#again-}" "$nb_status"
    exit "$nb_status"
    ;;
  do-* | again-do-* | again-own-*) [ "$PPID" = "$nb_parent" ] || exit 143 ;;
esac
# A syntax error in the file ends a shell with status 2.
trap '[ $? != 2 ] || exit 78' EXIT
case $nb_todo in
  again-* | state) . "$2" >/dev/null ;;
  *) . "$2" ;;
esac
trap - EXIT
case $nb_todo in
  state)
    [ -n "\${power-}" ] || exit 69
    exec timeout -k 1 12 "$nb_programs/novaboot-driver" state <<NB_POWER
$power
NB_POWER
    ;;
  do-* | again-do-*)
    nb_action=\${nb_todo##*do-}
    if ! nb_can "$nb_action"; then
      echo "novaboot-shell: \${nb_action}_cmd is not set in $2" >&2
      exit 69
    fi
    case $nb_action in
      on) nb_command=\${on_cmd-} ;;
      off) nb_command=\${off_cmd-} ;;
      reset) nb_command=\${reset_cmd-} ;;
    esac
    [ "$nb_action$nb_command" != reset ] || nb_check_delay
    nb_event "$nb_action" null
    if [ -z "$nb_command" ] || { [ -n "$nb_route" ] && [ "$nb_action" != reset ]; }; then
      set +e
      nb_switch "$nb_action" exec
      exit
    fi
    ;;
  again-own-off) nb_command=$off_cmd ;;
  again-own-on) nb_command=$on_cmd ;;
  default) nb_command=\${default_cmd:-\${console_cmd-}} ;;
  *) nb_command=\${console_cmd-} ;;
esac
case $nb_todo in
  default | console)
    if [ -z "$nb_command" ]; then
      if [ -z "\${console-}" ]; then
        echo "novaboot-shell: console_cmd is not set in $2" >&2
        exit 69
      fi
      nb_can connect || exec "$nb_programs/novaboot-console" line "$console"
      nb_again again-on exec "$nb_programs/novaboot-console" line "$console"
    fi
    echo 'novaboot-shell: Connected'
    if [ "$nb_command" = "\${console_cmd-}" ] && [ "\${console_log-}" = yes ]; then
      nb_again again-console exec "$nb_programs/novaboot-console" command
    fi
    ;;
esac
case $nb_todo in
  default | console | again-console | again-on)
    if [ -n "\${on_cmd-}" ] && [ -z "$nb_route" ]; then
      nb_event on null
      trap 'nb_event on $?; echo "novaboot-shell: on_cmd failed" >&2' EXIT
      eval "$on_cmd"
      trap - EXIT
      nb_event on 0
    elif nb_can connect; then
      nb_event on null
      nb_status=0
      nb_switch on || nb_status=$?
      nb_event on "$nb_status"
      [ "$nb_status" = 0 ] || exit "$nb_status"
    fi
    [ "$nb_todo" != again-on ] || exit 0
    ;;
esac
shift 2
eval "$nb_command"
`;
