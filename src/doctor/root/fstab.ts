/** Lines of /etc/fstab that fight a root file system on NFS: fstab(5). */
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';
import { hasSystemd } from './services.ts';

const FILE = 'etc/fstab';
const MAX_LINES = 500;

interface Entry {
  readonly device: string;
  readonly directory: string;
  readonly type: string;
  readonly options: readonly string[];
  /** The order in which file systems are checked; 0 for never. */
  readonly pass: number;
}

function entriesOf(tree: StoredTree): Entry[] {
  const lines = (tree.text(FILE) ?? '').split('\n').slice(0, MAX_LINES);
  return lines.flatMap((line) => {
    const [device = '', directory, type = '', options = '', , pass = '0'] = line.trim().split(/[ \t]+/);
    if (directory === undefined || device.startsWith('#')) return [];
    return [{ device, directory, type, options: options.split(','), pass: Number(pass) }];
  });
}

/** A disk, by any of its names. `/dev/root` is no more than a name for what is mounted. */
function isDisk({ device }: Entry): boolean {
  return /^(\/dev\/(?!root$|nfs$)|(UUID|LABEL|PARTUUID|PARTLABEL)=)/.test(device);
}

/** Options that NFS does not know. mount(8) ignores none of them when it remounts. */
const OF_DISKS =
  /^(errors|data|commit|barrier|subvol|subvolid|compress|discard|journal_\w+|ssd|space_cache|inode64|x-systemd\.growfs)(=|$)/;

function rootFindings(entry: Entry, context: RootContext): Said[] {
  const { error, warning } = about(context, FILE);
  const { device, type, options, pass } = entry;
  const odd = options.filter((option) => OF_DISKS.test(option));
  const fix = `Take the line of / out of /etc/fstab, or write: /dev/root / nfs defaults 0 0.`;
  if (/^nfs/.test(type) || device === '/dev/nfs') return [];
  if (!isDisk(entry)) {
    // Yocto and Buildroot have `/dev/root / auto defaults 1 1`, of which fsck finds no disk, and says nothing.
    if (odd.length === 0) return [];
    return [
      warning(
        `Options of / that NFS does not know: ${odd.join(', ')}`,
        'Remounting / fails: the boot complains, stops in an emergency shell, or leaves / read-only.',
        fix,
      ),
    ];
  }
  const what = `It wants ${device} (${type}) as /`;
  if (pass === 0 && odd.length === 0) {
    return [
      warning(
        what,
        'At boot / is remounted with these options; tools that ask fstab for the root are misled.',
        fix,
      ),
    ];
  }
  const parts = [
    ...(pass === 0 ? [] : ['the disk is checked by fsck']),
    ...(odd.length === 0 ? [] : [`/ is remounted with ${odd.join(',')}, which NFS refuses`]),
  ];
  return [
    error(
      what,
      `At boot ${parts.join(', and ')}: the boot stops in an emergency shell, or / stays read-only.`,
      fix,
    ),
  ];
}

function otherFindings(entry: Entry, context: RootContext): Said[] {
  const { error, warning } = about(context, FILE);
  const { device, directory, type, options } = entry;
  const isOptional = options.some((option) => ['nofail', 'noauto', 'x-systemd.automount'].includes(option));
  const isAwaited = isDisk(entry) && !isOptional && hasSystemd(context.tree);
  if (type === 'swap' && isAwaited && !/^\/dev\/zram/.test(device)) {
    const why = 'systemd waits 90 s for it at each boot, if the board does not have that disk.';
    return [warning(`It wants ${device} as swap`, why, 'Take the line out, or add the option nofail.')];
  }
  if (type === 'swap') {
    if (!device.startsWith('/') || device.startsWith('/dev/')) return [];
    return [
      warning(
        `It wants the file ${device} as swap`,
        'The kernel refuses to swap into a file on NFS, or hangs when memory is short.',
        'Take the line out; use zram if the board has too little memory.',
      ),
    ];
  }
  if (!isAwaited) return [];
  return [
    (/^\/(usr|var|etc|lib|bin|sbin)\/?$/.test(directory) ? error : warning)(
      `It wants ${device} at ${directory}`,
      "If the board does not have that disk, systemd waits 90 s for it and then stops in an emergency shell; if it has, it is another system's.",
      'Take the line out, or add the options nofail,x-systemd.device-timeout=5s.',
    ),
  ];
}

export const fstab: RootCheck = {
  name: 'fstab',
  run(context) {
    const entries = entriesOf(context.tree);
    const findings = entries.flatMap((entry) =>
      entry.directory === '/' ? rootFindings(entry, context) : otherFindings(entry, context),
    );
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, '/etc/fstab leaves the root file system alone')];
  },
};
