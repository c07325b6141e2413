/** Completion for bash(1), also with set -eu. Of 3.2, which macOS has, it uses nothing newer but compopt, where that is there. */
import type { Board } from './board.ts';
import type { Place } from './places.ts';
import { quoted } from './quote.ts';
import { sshWords } from './ssh-words.ts';

function caseOf({ start, end, words, value }: Place): string {
  const pattern = quoted(start) + (end === undefined ? '' : `*${end && quoted(end)}`);
  const list = words.map(({ text }) => text).join(' ');
  return `    ${pattern}) words=${quoted(list)} value=${value ?? ''} ;;\n`;
}

/** Of the words that were typed behind it, a blank behind each, and what may follow. */
function cases(places: readonly Place[]): string {
  return `  case "$*\${1:+ }" in\n${places.map(caseOf).join('')}    *) words='' value='' ;;\n  esac\n`;
}

/** Sets COMPREPLY to the lines that a command prints: mapfile is not in bash 3.2. */
function replies(command: string, indent: string): string {
  return `${indent}COMPREPLY=()
${indent}while IFS= read -r value; do COMPREPLY+=("$value"); done < <(${command})
`;
}

/** The words behind ssh. */
const BEFORE_CURSOR = `"\${typed[@]:1}"`;

/** Sets \`typed\` and \`current\`: bash's own words are split at @ and : too. */
const TYPED = `  read -ra typed <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} != *[[:blank:]] ]] || typed+=('')
  current=\${typed[\${#typed[@]} - 1]}
  unset "typed[\${#typed[@]} - 1]"
`;

export function bashForBoard({ name, hosts, places }: Board): string {
  return `_novaboot_board_${name}() {
  case $1 in
    ${hosts.map(({ text, isStart }) => quoted(text) + (isStart ? '*' : '')).join(' | ')}) shift ;;
    *) return 1 ;;
  esac
${cases(places)}}

# What bash does for ssh without us; completions that are loaded when they are first needed are loaded now.
_novaboot_ssh_others() {
  local spec= value
  COMPREPLY=()
  if [[ -z \${_novaboot_ssh_spec-} ]]; then
    [[ ! $(complete -p -D 2>/dev/null) =~ \\ -F\\ ([^ ]+) ]] || "\${BASH_REMATCH[1]}" ssh "$2" "$3" &>/dev/null || :
    _novaboot_ssh_spec=$(complete -p ssh 2>/dev/null) || :
    case $_novaboot_ssh_spec in
      '' | *_novaboot_ssh*) _novaboot_ssh_spec='complete -o bashdefault -o default ssh' ;;
    esac
    complete -F _novaboot_ssh ssh
  fi
  eval "set -- \\"\\$@\\" $_novaboot_ssh_spec"
  local -a called=("$1" "$2" "$3") generated=()
  shift 4
  while [[ $# -gt 1 ]]; do
    case $1 in
      -o) compopt -o "$2" 2>/dev/null || :; shift ;;
      -F) spec=$2; shift ;;
      *) generated+=("$1") ;;
    esac
    shift
  done
  if [[ -n $spec ]]; then
    "$spec" "\${called[@]}"
  elif [[ \${#generated[@]} -gt 0 ]]; then
${replies(`compgen "\${generated[@]}" -- "\${called[1]}"`, '    ')}  fi
}

_novaboot_ssh() {
  local words value current word board options host= skip=
  local -a typed arguments=()
${TYPED}${sshWords(BEFORE_CURSOR)}  if [[ -n $host && -z $skip && ( \${#arguments[@]} -gt 0 || $current != -* ) ]]; then
    for board in $(compgen -A function _novaboot_board_); do
      if "$board" "$host" \${arguments[@]+"\${arguments[@]}"}; then
${replies('compgen -W "$words" -- "$current"', '        ')}        return
      fi
    done
  fi
  _novaboot_ssh_others "$@"
}

_novaboot_ssh_spec=\${_novaboot_ssh_spec-$(complete -p ssh 2>/dev/null)} || :
complete -F _novaboot_ssh ssh
`;
}

export function bashForProgram(program: string, places: readonly Place[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  return `# bash completion for ${program}
${name}_words() {
${cases(places)}}

${name}() {
  local words value current
  local -a typed
${TYPED}  ${name}_words \${typed[@]+"\${typed[@]:1}"}
  case $value in
    BOARD) words+=" $(getent passwd | sed -n 's|^\\([^:]*\\):.*/novaboot-shell$|\\1|p')" ;;
    FILE) compopt -o default 2>/dev/null || : ;;
    DIRECTORY) compopt -o dirnames 2>/dev/null || : ;;
  esac
${replies('compgen -W "$words" -- "$current"', '  ')}}
complete -F ${name} ${program}
`;
}
