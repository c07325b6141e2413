/** A lab for the commands on root file systems: what they answer, and what is stored. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect } from 'vitest';
import { mnt3 } from '../../src/nfs/procedures/mount.ts';
import { listEveryKind, makeEveryKind } from './every-kind.ts';
import { connectTcp } from './nfs-client.ts';
import { type Lab, type LabOptions, type Result, startLab } from './sshd.ts';
import { type Listing, listTreeAsRoot } from './tree-listing.ts';

export const LONG_MS = 120_000;
export const LIVE = 'bob/root';
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** A few files, two of them linked, one a symbolic link: 8 with the root itself. */
const FILES = `mkdir -p nfsroot/bob/root; cd nfsroot/bob/root; mkdir -p etc home/user
echo one >etc/one; chmod 755 etc/one; setfattr -n user.rsync.%stat -v '104755 0,0 33:44' etc/one
echo two >etc/two; ln etc/two home/two
printf one >etc/link; setfattr -n user.rsync.%stat -v '120777 0,0 0:0' etc/link`;

/** A name beneath ~/nfsroot. */
export const saved = (name: string): string => `.saved/bob/${name}`;

/** The user is bob. */
export class RootsLab {
  readonly lab: Lab;

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  static async start(options: LabOptions = {}): Promise<RootsLab> {
    const started = new RootsLab(await startLab({ config: 'console_cmd=cat\n', ...options }));
    await started.enableNfs();
    return started;
  }

  async enableNfs(more = ''): Promise<void> {
    await this.lab.writeConfig(`allowed_clients=127.0.0.1\n${more}`, '.novaboot-nfs');
  }

  /** Between tests. */
  async clean(): Promise<void> {
    await this.lab.clean();
    this.runAsRoot('rm', '-rf', ...['home/nfsroot', 'home/.cache', 'original', 'copy']);
    await this.enableNfs();
  }

  root(...words: string[]): Promise<Result> {
    return this.lab.ssh('bob', ['root', ...words]);
  }

  /** Runs a command that has to work without a complaint. @returns what it says */
  async ok(...words: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.root(...words);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    return stdout;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the tests say what it is
  async list(): Promise<any> {
    return JSON.parse(await this.ok('list', '--json'));
  }

  /** A refusal is one line, and leaves all as it was. @returns the line */
  async refused(exitCode: number, ...words: string[]): Promise<string> {
    const names =
      'mkdir -p nfsroot; find nfsroot -mindepth 2 -maxdepth 3 ! -name bob ! -name .replaced | sort';
    const before = await this.lab.sh(names);
    const result = await this.root(...words);
    expect(result).toMatchObject({ stdout: '', exitCode });
    expect(result.stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
    expect(await this.lab.sh(names)).toBe(before);
    return result.stderr;
  }

  /** What is stored beneath ~/nfsroot, with real modes and attributes. */
  stored(name: string): Listing {
    return this.listing(path.join(this.lab.home, 'nfsroot', name));
  }

  /** Of a directory in the lab. */
  listing(directory: string): Listing {
    return listTreeAsRoot(asRoot, `${this.lab.view}${directory}`);
  }

  /** Fills the live root with a few files. */
  async fill(): Promise<void> {
    await this.ok('list');
    await this.lab.sh(FILES);
  }

  /** Uploads every kind of file. */
  upload(): Listing {
    const original = path.join(this.lab.directory, 'original');
    makeEveryKind(original, this.lab.uid);
    const rsh = `--rsh=${this.lab.rsyncRsh('bob')}`;
    const options = ['-aHAXS', '--numeric-ids', rsh, '--rsync-path=rsync-nfsroot'];
    this.runAsRoot('rsync', ...options, 'original/', 'board@127.0.0.1:root/');
    return listEveryKind(original);
  }

  /** Runs a program in the lab's directory. */
  runAsRoot(...argv: string[]): void {
    const [file = '', ...args] = [...asRoot, ...argv];
    execFileSync(file, args, { cwd: this.lab.directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** What a board does at first. */
  async mount() {
    const { stdout } = await this.lab.ssh('bob', ['get-config']);
    const nfs = await connectTcp(Number(/port=(\d+)/.exec(stdout)?.[1]));
    const mounted = await nfs.call(mnt3, Buffer.from(`${this.lab.home}/nfsroot/${LIVE}`));
    if (!('ok' in mounted)) throw new Error('not mounted');
    return { nfs, top: mounted.ok.fhandle };
  }
}
