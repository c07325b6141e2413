/** Completion for fish(1), 3.4 or later. */
import type { Board } from './board.ts';
import type { Place, Value, Word } from './places.ts';
import { quoted } from './quote.ts';

/** What \`complete -a\` takes: the description behind a tab. */
function described({ text, summary }: Word): string {
  return quoted(summary === '' ? text : `${text}\t${summary}`);
}

const VALUES: Readonly<Record<Value, string>> = {
  BOARD: "getent passwd | string replace -rf '^([^:]*):.*/novaboot-shell$' '$1'",
  FILE: '__fish_complete_path (commandline -ct)',
  DIRECTORY: '__fish_complete_directories (commandline -ct)',
};

function caseOf({ start, end, words, value }: Place): string {
  const pattern = quoted(start + (end === undefined ? '' : `*${end}`));
  const lines = [
    ...(words.length > 0 ? [`printf '%s\\n' ${words.map(described).join(' ')}`] : []),
    ...(value === undefined ? [] : [VALUES[value]]),
  ];
  return `        case ${pattern}\n${lines.map((line) => `            ${line}\n`).join('')}`;
}

function cases(places: readonly Place[]): string {
  return `    switch (string join '' -- $argv' ')\n${places.map(caseOf).join('')}    end\n`;
}

export function fishForBoard({ name, hosts, places }: Board): string {
  const patterns = hosts.map(({ text, isStart }) => quoted(text + (isStart ? '*' : '')));
  return `function __novaboot_board_${name}
    switch $argv[1]
        case ${patterns.join(' ')}
            set -e argv[1]
        case '*'
            return 1
    end
${cases(places)}    return 0
end

function __novaboot_ssh
    set -l host
    set -l skip
    set -l arguments
    for word in (commandline -opc)[2..]
        if test -n "$skip"
            set skip
        else if test -n "$arguments"
            set -a arguments $word
        else if string match -qr -- '^-[46AaCfGgKkMNnqsTtVvXxYy]*[BbcDEeFIiJLlmOoPpQRSWw]$' $word
            set skip yes
        else if string match -q -- '-*' $word
            continue
        else if test -z "$host"
            set host $word
        else
            set arguments $word
        end
    end
    test -n "$host" -a -z "$skip"
    or return 1
    if test -z "$arguments"; and string match -q -- '-*' (commandline -ct)
        return 1
    end
    for board in (functions --all --names | string match '__novaboot_board_*')
        $board $host $arguments
        and return 0
    end
    return 1
end

# What fish has for ssh itself counts elsewhere only.
if not set -q __novaboot_ssh_is_loaded
    set -g __novaboot_ssh_is_loaded yes
    complete -C 'ssh -' >/dev/null
    set -l others (complete -c ssh)
    complete -c ssh -e
    for other in $others
        eval "$other -n 'not __novaboot_ssh >/dev/null'"
    end
    complete -c ssh -kxn '__novaboot_ssh >/dev/null' -a '(__novaboot_ssh)'
end
`;
}

export function fishForProgram(program: string, places: readonly Place[]): string {
  const name = `__${program.replaceAll('-', '_')}_words`;
  return `# fish completion for ${program}
function ${name}
${cases(places)}end

complete -c ${program} -kxa '(set -l typed (commandline -opc)[2..]; ${name} $typed)'
`;
}
