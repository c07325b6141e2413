/** Words in shell programs. */

/** For bash, zsh and fish alike: fish takes backslashes and quotes behind backslashes within single quotes too. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
