/** Completion for zsh(1). */
import type { Board } from './board.ts';
import type { Place, Word } from './places.ts';
import { quoted } from './quote.ts';
import { sshWords } from './ssh-words.ts';

/** The words behind ssh. */
const BEFORE_CURSOR = `"\${(@)words[2,CURRENT - 1]}"`;

/** As _describe of zshcompsys(1) wants it. */
function described({ text, summary }: Word): string {
  return quoted(summary === '' ? text : `${text}:${summary}`);
}

function caseOf({ start, end, words, value }: Place): string {
  const pattern = quoted(start) + (end === undefined ? '' : `*${end && quoted(end)}`);
  return `    ${pattern}) found=(${words.map(described).join(' ')}) value=${value ?? ''} ;;\n`;
}

function cases(places: readonly Place[]): string {
  return `  case "$*\${1:+ }" in\n${places.map(caseOf).join('')}    *) found=() value= ;;\n  esac\n`;
}

export function zshForBoard({ name, hosts, places }: Board): string {
  return `_novaboot_board_${name}() {
  case $1 in
    ${hosts.map(({ text, isStart }) => quoted(text) + (isStart ? '*' : '')).join(' | ')}) shift ;;
    *) return 1 ;;
  esac
${cases(places)}}

_novaboot_ssh() {
  local word board options host= skip= value
  local -a arguments found
${sshWords(BEFORE_CURSOR)}  if [[ -n $host && -z $skip ]] && { (( $#arguments )) || [[ $words[CURRENT] != -* ]] }; then
    for board in \${(ok)functions[(I)_novaboot_board_*]}; do
      if $board "$host" "\${(@)arguments}"; then
        _describe -t commands 'command of the board' found
        return
      fi
    done
  fi
  \${_novaboot_ssh_others:-_default} "$@"
}

if (( $+functions[compdef] )); then
  [[ \${_comps[ssh]-} == _novaboot_ssh ]] || typeset -g _novaboot_ssh_others=\${_comps[ssh]-}
  compdef _novaboot_ssh ssh
else
  print -u2 'novaboot: completion of zsh is not loaded: autoload -Uz compinit; compinit'
fi
`;
}

export function zshForProgram(program: string, places: readonly Place[]): string {
  return `#compdef ${program}
_${program}_words() {
${cases(places)}}

_${program}() {
  local value
  local -a found
  _${program}_words "\${(@)words[2,CURRENT - 1]}"
  case $value in
    BOARD) found+=(\${(f)"$(getent passwd | sed -n 's|^\\([^:]*\\):.*/novaboot-shell$|\\1|p')"}) ;;
    FILE) _files ;;
    DIRECTORY) _files -/ ;;
  esac
  _describe -t commands ${program} found
}

_${program} "$@"
`;
}
