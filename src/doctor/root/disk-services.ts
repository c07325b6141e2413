/** Services that expect the root file system on a disk. */
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck } from './context.ts';
import { startsAtBoot } from './services.ts';

interface DiskService {
  /** Of systemd, or a script of /etc/init.d. */
  readonly unit: string;
  readonly why: string;
}

const RESIZE =
  'It enlarges the partition and the file system of /, fails, and may reboot the board each time.';
const SWAP = 'It makes a swap file as large as the memory, over the network, and cannot use it on NFS.';

const SERVICES: readonly DiskService[] = [
  { unit: 'resize2fs_once', why: RESIZE },
  { unit: 'rpi-resizerootfs', why: RESIZE },
  { unit: 'rpi-resize', why: RESIZE },
  { unit: 'armbian-resize-filesystem', why: RESIZE },
  { unit: 'growpart', why: RESIZE },
  { unit: 'dphys-swapfile', why: SWAP },
  {
    unit: 'armbian-ramlog',
    why: 'It moves /var/log to the memory and back to a disk: logs are lost with the power.',
  },
];

export const diskServices: RootCheck = {
  name: 'disk-services',
  run(context) {
    const findings: Said[] = SERVICES.filter(({ unit }) => startsAtBoot(context.tree, unit)).map(
      ({ unit, why }) =>
        about(context).warning(
          `${unit} starts at boot`,
          why,
          `Disable it in the root: systemctl disable ${unit}, or update-rc.d ${unit} remove.`,
        ),
    );
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, 'No service that is known expects the root on a disk')];
  },
};
