/** All checks of a root file system, in the order in which a boot comes to what they look at. */
import { capabilities } from './capabilities.ts';
import type { RootCheck } from './context.ts';
import { directories } from './directories.ts';
import { diskServices } from './disk-services.ts';
import { fstab } from './fstab.ts';
import { identity } from './identity.ts';
import { init } from './init.ts';
import { login } from './login.ts';
import { modules } from './modules.ts';
import { network } from './network.ts';
import { owners } from './owners.ts';

export const rootChecks: readonly RootCheck[] = [
  init,
  directories,
  owners,
  fstab,
  network,
  diskServices,
  modules,
  login,
  identity,
  capabilities,
];
