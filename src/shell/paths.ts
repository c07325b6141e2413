/** Whether an absolute path without symbolic links lies below a directory; not the directory itself. */
export function isBeneath(file: string, directory: string): boolean {
  return file.startsWith(directory === '/' ? directory : `${directory}/`);
}
