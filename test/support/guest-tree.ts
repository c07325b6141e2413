/** A small root file system as a guest makes it in its memory: what tar and rsync have to keep. */

/** How many files of all kinds are in it. */
export function treeEntries(directories: number): number {
  return directories * 17 + 2;
}

/**
 * A script for /bin/sh that makes it in a new directory.
 *
 * @param directories at least 2; with 20 there are 260 files of up to 60 KB, 4 MB in all
 */
export function treeScript(directory: string, directories: number): string {
  return `rm -rf ${directory}; mkdir ${directory}; cd ${directory}; umask 022
perl -e 'for $d (1 .. ${directories}) {
    mkdir "d$d";
    for $f (1 .. 12) {
      open F, ">", "d$d/f$f" or die $!;
      print F "$d $f ", join(" ", map { $_ * $_ * $d % 65521 } 1 .. $d * $f * $f * 7 % 9000), "\\n";
      close F;
      chmod 0600 + $f * 8 % 64 + ($f == 3 ? 04111 : 0), "d$d/f$f" if $f % 2;
      chown 1000 + $f, 2000 + $d, "d$d/f$f" if $f % 5 == 0;
    }
    link "d$d/f1", "d$d/hard";
    symlink "f2", "d$d/link";
    symlink "/nowhere/" . "x" x $d, "d$d/dangling";
    chown 5, 6, "d$d" if $d % 3 == 0;
  }'
for d in d*; do mkfifo -m 640 $d/fifo; done
mknod d1/null c 1 3; ln -s x "d2/$(printf '\\377\\344')"
touch -h -d '2020-02-02 02:02:02.020202020' d*/* d*`;
}
