/** Directories on which the kernel and init mount something before anything else. */
import { FileType } from '../../rootfs/file-type.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck } from './context.ts';
import { hasSystemd, isNixos } from './services.ts';

const NEEDED = ['dev', 'proc', 'sys'];

export const directories: RootCheck = {
  name: 'directories',
  run(context) {
    const { tree } = context;
    const { error, warning } = about(context);
    const isMade = isNixos(tree);
    const isMissing = (name: string) => !isMade && tree.find(name)?.file.owner.type !== FileType.directory;
    const findings: Said[] = [];
    // OpenWrt and old systems have no /run; a link may lead to what is made at boot.
    const also = hasSystemd(tree) || tree.exists('sbin/openrc') ? ['run', 'tmp'] : ['tmp'];
    const [missing, others] = [
      NEEDED.filter(isMissing),
      also.filter((name) => isMissing(name) && tree.target(name) === undefined),
    ];
    if (missing.length > 0) {
      findings.push(
        error(
          `Directories are missing: ${missing.map((name) => `/${name}`).join(', ')}`,
          'The kernel and init have no place for devices and processes: "Unable to open an initial console", and little works.',
          `Make them, empty: mkdir ${missing.join(' ')}; they are often left out of archives that are made of a running system.`,
        ),
      );
    }
    if (others.length > 0) {
      findings.push(
        warning(
          `Directories are missing: ${others.map((name) => `/${name}`).join(', ')}`,
          'Programs keep their sockets and temporary files there.',
          `Make them: mkdir ${others.join(' ')}${others.includes('tmp') ? '; chmod 1777 tmp' : ''}.`,
        ),
      );
    }
    const device = tree.find('dev/console', false)?.file;
    if (
      device !== undefined &&
      device.owner.type !== FileType.character &&
      device.owner.type !== FileType.symlink
    ) {
      findings.push(
        about(context, 'dev/console').warning(
          'It is no device, but a plain file',
          'Devices were lost on the way. A kernel without CONFIG_DEVTMPFS_MOUNT has no console then: "unable to open an initial console".',
          'Upload with devices: as root by rsync -aHAXS --numeric-ids, or an archive by untar.',
        ),
      );
    }
    const temporary = tree.find('tmp');
    if (temporary !== undefined && (temporary.file.owner.mode & 0o1777) !== 0o1777) {
      const mode = temporary.file.owner.mode.toString(8).padStart(4, '0');
      findings.push(
        about(context, 'tmp').warning(
          `Its mode is ${mode}`,
          'Only root can make temporary files.',
          'chmod 1777 tmp before you upload.',
        ),
      );
    }
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, '/dev, /proc, /sys and others on which something is mounted are there')];
  },
};
