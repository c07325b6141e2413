/** What is done in a home, on a directory of our own in its place. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../src/admin/account.ts';
import { applyChanges, type Plan } from '../../src/admin/change.ts';
import { configPlan } from '../../src/admin/config-changes.ts';
import { directoryChanges } from '../../src/admin/directory-changes.ts';
import { readHomeFile } from '../../src/admin/home-file.ts';
import { nfsPlan, rootsChanges } from '../../src/admin/nfs-changes.ts';
import type { Subject } from '../../src/admin/subject.ts';
import { configFile } from '../../src/admin/template.ts';
import { boardUsers, removalOfUser, usersPlan } from '../../src/admin/user-changes.ts';
import { parsePublicKey } from '../../src/shell/public-key.ts';

let home: string;
let account: Account;
let subject: Subject;
const inside = (name: string) => path.join(home, name);
const read = (name: string) => fs.readFileSync(inside(name), 'utf8');

function makeKey(): ReturnType<typeof parsePublicKey> {
  const file = path.join(home, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'made for a test', '-f', file]);
  const key = parsePublicKey(fs.readFileSync(`${file}.pub`));
  for (const name of [file, `${file}.pub`]) fs.rmSync(name);
  return key;
}

async function apply({ changes, conflicts }: Pick<Plan, 'changes' | 'conflicts'>): Promise<void> {
  expect(conflicts).toEqual([]);
  await applyChanges(changes);
}

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-'));
  const { uid, gid } = os.userInfo();
  account = { name: 'board', uid, gid, gecos: '', home, shell: '' };
  subject = { name: 'board', home, uid, existing: account, resident: account, account: () => account };
});
afterEach(() => fs.rmSync(home, { recursive: true }));

describe('the configuration', () => {
  const config = { console: 'tcp:lab:4001', power: 'usbrelay:A' };

  it('is written, for the account alone, and then there is nothing to do', async () => {
    const plan = configPlan(subject, config);
    expect(plan.changes.map(({ text }) => text)).toEqual([
      `+ ${home}/.novaboot-shell\n  + console=tcp:lab:4001\n  + power=usbrelay:A`,
    ]);
    await apply(plan);
    expect(read('.novaboot-shell')).toBe(configFile(config));
    expect(fs.statSync(inside('.novaboot-shell')).mode & 0o777).toBe(0o600);
    expect(configPlan(subject, config).changes).toEqual([]);
    expect(configPlan(subject, undefined).changes).toEqual([]);
  });

  it('is written anew as long as nobody has changed it', async () => {
    await apply(configPlan(subject, undefined));
    const plan = configPlan(subject, { console: 'tcp:lab:1' });
    await apply(plan);
    expect(configPlan(subject, config).changes[0]?.text).toBe(
      `~ ${home}/.novaboot-shell\n  - console=tcp:lab:1\n  + console=tcp:lab:4001\n  + power=usbrelay:A`,
    );
    await plan.changes[0]?.undo?.();
    expect(read('.novaboot-shell')).toBe(configFile({}));
  });

  it('is left alone once it is written by hand, unless it says the same', () => {
    fs.writeFileSync(inside('.novaboot-shell'), '# mine\npower=usbrelay:A\nconsole="tcp:lab:4001"\n');
    expect(configPlan(subject, config)).toEqual({ changes: [], conflicts: [], notes: [] });
    expect(configPlan(subject, undefined).conflicts).toEqual([]);
    expect(configPlan(subject, { console: 'tcp:lab:1' })).toMatchObject({
      changes: [],
      conflicts: [
        `${home}/.novaboot-shell was written by hand and says something else; make it say the same, or move it away`,
      ],
    });
  });

  it('that no shell-less reading understands is known again as ours', async () => {
    const odd = { reset_cmd: `echo '"$x"'` };
    await apply(configPlan(subject, odd));
    expect(configPlan(subject, odd)).toEqual({ changes: [], conflicts: [], notes: [] });
  });

  it.each(['fifo', 'device', 'directory'])('cannot be a %s: an error, and nobody waits', (kind) => {
    const file = inside('.novaboot-shell');
    if (kind === 'fifo') execFileSync('mkfifo', [file]);
    if (kind === 'device') fs.symlinkSync('/dev/zero', file);
    if (kind === 'directory') fs.mkdirSync(file);
    expect(() => configPlan(subject, config)).toThrow(`${file}: is not a regular file`);
  });

  it('is replaced whole or not at all', async () => {
    await apply(configPlan(subject, undefined));
    fs.mkdirSync(inside('.novaboot-shell.new'));
    await expect(applyChanges(configPlan(subject, config).changes)).rejects.toThrow(/nothing was changed$/);
    expect(read('.novaboot-shell')).toBe(configFile({}));
    fs.rmdirSync(inside('.novaboot-shell.new'));
  });

  it('is not written over what somebody else has written since it was read, nor taken back over it', async () => {
    const MINE = /\/\.novaboot-shell: somebody else has just changed it; look at it, and say this again; /;
    const made = configPlan(subject, undefined).changes;
    fs.writeFileSync(inside('.novaboot-shell'), 'mine');
    await expect(applyChanges(made)).rejects.toThrow(MINE);
    expect(read('.novaboot-shell')).toBe('mine');
    fs.rmSync(inside('.novaboot-shell'));
    await applyChanges(made);
    const { changes } = configPlan(subject, config);
    const editor = {
      text: '+ edit',
      apply: () => fs.appendFileSync(inside('.novaboot-shell'), 'mine\n'),
      undo: () => {},
    };
    await expect(applyChanges([editor, ...changes])).rejects.toThrow(MINE);
    expect(read('.novaboot-shell')).toBe(`${configFile({})}mine\n`);
    fs.writeFileSync(inside('.novaboot-shell'), configFile({}));
    const failing = { text: '+ b', apply: () => Promise.reject(new Error('no')) };
    await expect(applyChanges([...changes, editor, failing])).rejects.toThrow(
      /^b: no; not undone: .*\/\.novaboot-shell \(somebody else has just changed it; .*\)$/,
    );
    expect(read('.novaboot-shell')).toBe(`${configFile(config)}mine\n`);
  });
});

describe('NFS', () => {
  const nfs = { allowed_clients: '10.0.0.7' };

  it('has its file, and none is written twice', () => {
    const [change] = nfsPlan(subject, nfs).changes;
    expect(change?.text).toContain('  + allowed_clients=10.0.0.7');
    change?.apply();
    expect(nfsPlan(subject, nfs).changes.some(({ text }) => text.includes('.novaboot-nfs'))).toBe(false);
  });

  it('knows a file that says the same in other words, and one that does not', () => {
    const rest = 'mount_options="rsize=1048576,wsize=1048576"\n';
    fs.writeFileSync(inside('.novaboot-nfs'), `allowed_clients='10.0.0.7'\n${rest}`);
    expect(nfsPlan(subject, nfs).conflicts).toEqual([]);
    fs.writeFileSync(inside('.novaboot-nfs'), `allowed_clients=10.0.0.8\n${rest}`);
    expect(nfsPlan(subject, nfs).conflicts).toHaveLength(1);
    fs.writeFileSync(inside('.novaboot-nfs'), 'nonsense\n');
    expect(nfsPlan(subject, nfs).conflicts).toHaveLength(1);
  });

  it('has a private directory for the roots', async () => {
    await applyChanges(rootsChanges(subject));
    expect(fs.statSync(inside('nfsroot')).mode & 0o777).toBe(0o700);
    fs.chmodSync(inside('nfsroot'), 0o755);
    const [change] = rootsChanges(subject);
    expect(change?.text).toContain('mode 0700 instead of 0755');
    await change?.apply();
    expect(rootsChanges(subject)).toEqual([]);
  });
});

describe('users', () => {
  it('come and go, and the lines of others stay', async () => {
    const [alice, bob, foreign] = [makeKey(), makeKey(), makeKey()];
    const other = `# mine\n${foreign.type} ${foreign.blob} somebody\n`;
    fs.mkdirSync(inside('.ssh'));
    fs.writeFileSync(inside('.ssh/authorized_keys'), other);
    const users = [
      { name: 'alice', admin: true, keys: [alice] },
      { name: 'bob', admin: false, keys: [bob] },
    ];
    await apply(usersPlan(subject, users));
    expect(read('.ssh/authorized_keys').startsWith(other)).toBe(true);
    expect(boardUsers(account)).toEqual([
      { name: 'alice', admin: true, keys: 1 },
      { name: 'bob', admin: false, keys: 1 },
    ]);
    expect(usersPlan(subject, users).changes).toEqual([]);

    const complete = usersPlan(subject, [{ name: 'bob', admin: true, keys: [bob] }], true);
    expect(complete.notes).toEqual(['board: authorized_keys has 1 keys without a forced command; they stay']);
    const lines = complete.changes[0]?.text.split('\n').map((line) => line.replace(/ ssh-ed25519 .*/, ''));
    expect(lines).toEqual([
      `~ ${home}/.ssh/authorized_keys`,
      '  - alice (admin)',
      '  - bob',
      '  + bob (admin)',
    ]);
    await apply(complete);
    expect(boardUsers(account)).toEqual([{ name: 'bob', admin: true, keys: 1 }]);
    expect(read('.ssh/authorized_keys').startsWith(other)).toBe(true);
  });

  it('nothing is left of them when a later change fails', async () => {
    const { changes } = usersPlan(subject, [{ name: 'alice', admin: false, keys: [makeKey()] }]);
    const fails = { text: '+ more', apply: () => Promise.reject(new Error('no')) };
    await expect(applyChanges([...changes, fails])).rejects.toThrow('more: no; nothing was changed');
    expect(fs.readdirSync(home)).toEqual([]);
  });

  it('one goes, and an unknown one is an error', async () => {
    await apply(usersPlan(subject, [{ name: 'alice', admin: false, keys: [makeKey(), makeKey()] }]));
    const [removal] = removalOfUser(subject, 'alice');
    expect(removal?.text.match(/ {2}- alice /g)).toHaveLength(2);
    await removal?.apply();
    expect(boardUsers(account)).toEqual([]);
    expect(() => removalOfUser(subject, 'alice')).toThrow('board has no user alice');
    await removal?.undo?.();
    expect(boardUsers(account)).toEqual([{ name: 'alice', admin: false, keys: 2 }]);
  });

  it('nobody overwrites what somebody else has just added', async () => {
    fs.mkdirSync(inside('.ssh'));
    const plan = usersPlan(subject, [{ name: 'alice', admin: false, keys: [makeKey()] }]);
    await apply(usersPlan(subject, [{ name: 'bob', admin: false, keys: [makeKey()] }]));
    await expect(applyChanges(plan.changes)).rejects.toThrow(/changed by somebody else/);
    expect(boardUsers(account).map(({ name }) => name)).toEqual(['bob']);
  });

  it('a FIFO in the place of the keys keeps nobody waiting', () => {
    fs.mkdirSync(inside('.ssh'));
    execFileSync('mkfifo', [inside('.ssh/authorized_keys')]);
    expect(() => boardUsers(account)).toThrow(/ENOTREG/);
  });
});

describe('directories', () => {
  it('of the account are left as they are', () => {
    expect(directoryChanges(subject, home, 0o700)).toEqual([]);
  });

  it('of somebody else are refused, and files', () => {
    const foreign = { ...subject, uid: (subject.uid ?? 0) + 1 };
    fs.writeFileSync(inside('file'), '');
    expect(() => directoryChanges(foreign, home, 0o700)).toThrow(/is there already and belongs to/);
    expect(() => directoryChanges(subject, inside('file'), 0o700)).toThrow(/is no directory/);
  });

  it('are made only where nobody else can put something in their place', () => {
    fs.chmodSync(home, 0o777);
    expect(() => directoryChanges(subject, inside('new'), 0o700)).toThrow(
      /can be written by others than root/,
    );
    expect(() => directoryChanges(subject, inside('none/new'), 0o700)).toThrow(/There is no directory/);
  });
});

it('a file over a megabyte is no configuration', () => {
  fs.writeFileSync(inside('large'), Buffer.alloc(1024 * 1024 + 1));
  expect(() => readHomeFile(account, 'large')).toThrow('the file is too large');
});
