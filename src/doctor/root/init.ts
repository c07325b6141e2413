/** The first program that the kernel starts: there, for this board, and complete. */
import { FileType } from '../../rootfs/file-type.ts';
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';
import { type Elf, machineOf, readElf } from './elf.ts';
import { missingLibraries } from './libraries.ts';
import { machineName, runs } from './machine.ts';
import { isNixos } from './services.ts';

/** Linux, init/main.c: kernel_init() */
const CANDIDATES = ['sbin/init', 'etc/init', 'bin/init'];
const SHELL = 'bin/sh';

/** Where NixOS has its init, and where that of an initramfs lies: the kernel looks there for neither. */
function untold(tree: StoredTree): string[] {
  const system = tree.names('nix/store').find((name) => name.includes('-nixos-system-'));
  const inStore = system === undefined ? [] : [`nix/store/${system}/init`];
  return ['nix/var/nix/profiles/system/init', ...inStore, 'init'];
}

const UPLOAD =
  'Upload the root file system that is built for the board, its top directory at the top: ssh BOARD untar - <rootfs.tar.';

/** What the kernel was told to start instead. */
function toldInit({ commandLine = '' }: RootContext): string | undefined {
  return /(?:^| )init=\/(\S{1,200})/.exec(commandLine)?.[1];
}

function elfAt(tree: StoredTree, path: string): Elf | undefined {
  return readElf((offset, length) => tree.read(path, length, offset) ?? Buffer.alloc(0));
}

/** The interpreter of a script, as execve(2) reads it. */
function scriptInterpreter(tree: StoredTree, path: string): string | undefined {
  return /^#![ \t]*(\S+)/.exec(tree.read(path, 256)?.toString('latin1') ?? '')?.[1];
}

/** A library for another architecture of the same name is passed over by ld.so(8). */
function programFindings(path: string, elf: Elf, context: RootContext): Said[] {
  const { tree, kernels } = context;
  const { error, warning } = about(context, path);
  const { machine, interpreter } = elf;
  const findings: Said[] = [];
  const fitting = kernels.filter((kernel) => runs(kernel.machine, machine));
  const [kernel] = kernels;
  if (kernel !== undefined && fitting.length === 0) {
    findings.push(
      error(
        `It is a program for ${machineName(machine)}, but the kernel ${kernel.name} is for ${machineName(kernel.machine)}`,
        'The kernel cannot start it: "Failed to execute /sbin/init (error -8)", and a panic.',
        UPLOAD,
      ),
    );
  }
  if (interpreter === undefined) return findings;
  const loader = tree.read(interpreter, 64);
  if (loader === undefined) {
    findings.push(
      error(
        `Its loader ${interpreter} is missing`,
        'The kernel starts no program without its loader: "Failed to execute /sbin/init (error -2)", though init is there.',
        'Install the C library that it was built for (glibc or musl, hard or soft float) into the root, or build it statically.',
      ),
    );
    return findings;
  }
  const loaderMachine = machineOf(loader);
  if (loaderMachine !== undefined && !runs(loaderMachine, machine)) {
    findings.push(
      error(
        `Its loader ${interpreter} is for ${machineName(loaderMachine)}, it is for ${machineName(machine)}`,
        'The kernel cannot start it.',
        UPLOAD,
      ),
    );
  }
  const missing = missingLibraries(tree, path, elf);
  if (missing.length > 0) {
    findings.push(
      warning(
        `Libraries that it needs were not found: ${missing.join(', ')}`,
        'Without them it ends at once, and the kernel panics: "Attempted to kill init!".',
        'Install the packages that have them, or see whether the whole root was uploaded (ssh BOARD root list tells its size).',
      ),
    );
  }
  return findings;
}

function executableFindings(path: string, context: RootContext, depth = 0): Said[] {
  const { tree } = context;
  const { error } = about(context, path);
  const mode = tree.find(path)?.file.owner.mode ?? 0;
  if ((mode & 0o111) === 0) {
    const what = `It may not be executed, mode ${mode.toString(8).padStart(4, '0')}`;
    const why = 'The kernel cannot start it: "Failed to execute /sbin/init (error -13)".';
    return [error(what, why, `Upload with modes: rsync -aHAXS --numeric-ids; or chmod +x ${path} before.`)];
  }
  const elf = elfAt(tree, path);
  if (elf !== undefined) return programFindings(path, elf, context);
  const interpreter = scriptInterpreter(tree, path);
  if (interpreter === undefined) {
    const why = 'The kernel cannot start it: "Failed to execute /sbin/init (error -8)", and a panic.';
    return [error('It is neither a program nor a script', why, UPLOAD)];
  }
  const next = tree.find(interpreter);
  if (next === undefined) {
    const why = 'The kernel starts it by that program: "Failed to execute /sbin/init (error -2)".';
    return [error(`Its interpreter ${interpreter} is missing`, why, 'Install that program into the root.')];
  }
  return depth > 3 ? [] : executableFindings(next.path, context, depth + 1);
}

/** Of a link that leads nowhere, where that is. */
function missingFinding(names: readonly string[], context: RootContext): Said {
  const { tree } = context;
  const { error } = about(context);
  const broken = names.find((name) => tree.find(name, false) !== undefined);
  if (tree.names('').length === 0) {
    return error(
      'It is empty',
      'The kernel has nothing to start: "No working init found", and a panic.',
      UPLOAD,
    );
  }
  // Links of /sbin/init often begin at the top: they lead nowhere from there.
  const deeper = tree
    .names('')
    .find((name) => name !== 'usr' && tree.find(`${name}/sbin/init`, false) !== undefined);
  if (deeper !== undefined) {
    const what = `The system lies in /${deeper}, not at the top`;
    const why = 'The kernel looks for /sbin/init, does not find it, and panics.';
    return error(what, why, `Upload what is in that directory: tar -C ${deeper} -c . | ssh BOARD untar -.`);
  }
  const where =
    broken === undefined
      ? ''
      : `; /${broken} is a link to ${tree.target(broken) ?? 'no file'}, which is not there`;
  return error(
    `There is no init: none of ${names.map((name) => `/${name}`).join(', ')}${where}`,
    'The kernel has nothing to start: "No working init found", and a panic.',
    UPLOAD,
  );
}

export const init: RootCheck = {
  name: 'init',
  run(context) {
    const { tree, kernels } = context;
    const isFile = (name: string) => tree.find(name)?.file.owner.type === FileType.regular;
    const told = toldInit(context);
    const others = untold(tree);
    const name = [...(told === undefined ? [] : [told]), ...CANDIDATES, ...others, SHELL].find(isFile);
    if (name === undefined) return [missingFinding([...CANDIDATES, SHELL], context)];
    const { path } = tree.find(name) ?? { path: name };
    const findings = executableFindings(path, context);
    if (findings.length > 0) return findings;
    const { warning } = about(context);
    if (told !== undefined && name !== told) {
      const why = 'The kernel starts nothing else then, and panics: "Requested init failed".';
      const fix = `Write init=/${name} on the kernel line, or nothing where /${name} is what it would start.`;
      return [warning(`The kernel of the last boot was told init=/${told}, which is not there`, why, fix)];
    }
    if (told === undefined && others.includes(name)) {
      if (isNixos(tree) && context.commandLine === undefined) {
        return [inOrder(context.subject, `The system is NixOS; the kernel is to be told init=/${name}`)];
      }
      const what = `The only init is /${name}, where the kernel does not look for it`;
      const why = '"No working init found", and a panic: it has to be told.';
      return [warning(what, why, `Write init=/${name} on the kernel line.`)];
    }
    if (told === undefined && name === SHELL) {
      const why = 'The kernel starts a shell on the console, and nothing else.';
      const fix = 'Install an init (busybox, sysvinit, systemd), if that is not what you want.';
      return [warning('There is no init but /bin/sh', why, fix)];
    }
    const machine = elfAt(tree, path)?.machine;
    const which = machine === undefined ? 'a script' : `for ${machineName(machine)}`;
    const known =
      kernels.length > 0 ? ', as the kernel wants it' : '; no kernel was uploaded to compare it with';
    return [inOrder(context.subject, `/${name} is ${which}${machine === undefined ? '' : known}`)];
  },
};
