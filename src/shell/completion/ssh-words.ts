/** How bash(1) and zsh(1) find the host, and what stands behind it, among the words of ssh(1). */

/** Options that take a value, alone or behind others in a word. In a variable, since the shells quote patterns unlike. */
const OPTIONS = "'^-[46AaCfGgKkMNnqsTtVvXxYy]*[BbcDEeFIiJLlmOoPpQRSWw]$'";

/**
 * A loop that sets `host`, the array `arguments`, and `skip` while an option waits for its value. It is for functions
 * that have these, `word` and `options` as locals.
 *
 * @param words of the command line, from the one behind ssh to the one before the cursor
 */
export function sshWords(words: string): string {
  return `  options=${OPTIONS}
  for word in ${words}; do
    if [[ -n $skip ]]; then
      skip=
    elif [[ \${#arguments[@]} -gt 0 ]]; then
      arguments+=("$word")
    elif [[ $word =~ $options ]]; then
      skip=yes
    elif [[ $word == -* ]]; then
      :
    elif [[ -z $host ]]; then
      host=$word
    else
      arguments=("$word")
    fi
  done
`;
}
