/** What everybody may know of the machine. */
import type { Check } from '../finding.ts';
import { clock } from './clock.ts';
import { landlock } from './landlock.ts';
import { rsync } from './rsync.ts';

export const machineChecks: readonly Check<unknown>[] = [landlock, rsync, clock];
