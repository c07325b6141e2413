/** Whether the root has the modules of the kernel that boots. */
import { inOrder } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';

/** What the kernel is: the one that was seen booting, else the newest upload. */
function versionOf({ bootedVersion, kernels }: RootContext): string | undefined {
  return bootedVersion ?? kernels.find(({ version }) => version !== undefined)?.version;
}

export const modules: RootCheck = {
  name: 'modules',
  run(context) {
    const { tree } = context;
    const version = versionOf(context);
    const there = tree.names('lib/modules').filter((name) => /^\d/.test(name));
    if (there.length === 0) return [];
    if (version === undefined) {
      return [
        inOrder(
          context.subject,
          `There are modules for ${there.slice(0, 5).join(', ')}; the kernel's version is not known`,
        ),
      ];
    }
    if (!there.includes(version)) {
      return [
        about(context, 'lib/modules').warning(
          `The kernel is ${version}, but there are modules for ${there.slice(0, 5).join(', ')} only`,
          'Drivers that are no part of the kernel itself are not loaded: devices are missing without a message.',
          'Install the modules of the kernel that boots (make modules_install INSTALL_MOD_PATH=ROOT), or boot the kernel that is meant.',
        ),
      ];
    }
    if (
      // OpenWrt's finds modules without it.
      !tree.exists('sbin/kmodloader') &&
      !tree.exists(`lib/modules/${version}/modules.dep`) &&
      !tree.exists(`lib/modules/${version}/modules.dep.bin`)
    ) {
      const why = 'modprobe finds no module.';
      return [
        about(context, `lib/modules/${version}`).warning(
          'There is no modules.dep',
          why,
          `depmod -b ROOT ${version}`,
        ),
      ];
    }
    return [inOrder(context.subject, `There are modules for the kernel, ${version}`)];
  },
};
