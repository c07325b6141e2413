/** ~/.novaboot-shell in every form that administrators write, and what is wrong with it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;

const FAKE_NOVABOOT = `#!/bin/sh
for word; do printf '%s\\n' "<$word>"; done >"$HOME/novaboot-argv"
`;

beforeAll(async () => {
  lab = await startLab({ programs: { novaboot: FAKE_NOVABOOT } });
});
afterEach(async () => {
  await lab.clean();
  await lab.sh('chmod -f 700 .novaboot-shell || true; rm -rf .novaboot-shell .novaboot-nfs');
});
afterAll(() => lab?.stop());

async function run(config: string, command: string, user = 'bob') {
  await lab.writeConfig(config);
  return await lab.ssh(user, [command]);
}

const ok = (stdout: string) => ({ stdout, stderr: '', exitCode: 0 });

describe('target_config', () => {
  const lines = '--uboot=U-Boot>\n--uboot-init=setenv a "b c"; setenv d $e\n--prefix=/x y\n';

  test.each([
    ['with a final newline', `target_config='${lines}'\n`],
    ['without a final newline', `target_config='${lines.trimEnd()}'\n`],
    ['with the quotes on lines of their own', `target_config='\n${lines}'\n`],
    [
      'in double quotes',
      `target_config="${lines.replaceAll('"', '\\"').replaceAll('$', '\\$')}"\nconsole_cmd=true\n`,
    ],
    [
      'from a here-document',
      `target_config=$(cat <<'END'\n${lines}END\n)\nconsole_cmd() { :; }\nconsole_cmd=console_cmd\n`,
    ],
  ])('%s, comes out line by line', async (_, config) => {
    expect(await run(config, 'get-config')).toEqual(ok(lines));
  });

  test('uses variables, also $NB_USER and $HOME', async () => {
    const config = `base=/srv\ntarget_config="--prefix=$base/$NB_USER\n--nfsroot=$HOME"\n`;
    expect(await run(config, 'get-config')).toEqual(ok(`--prefix=/srv/bob\n--nfsroot=${lab.home}\n`));
    expect((await run(config, 'get-config', 'guest')).stdout).toBe(`--prefix=/srv/\n--nfsroot=${lab.home}\n`);
  });

  test.each(['', '# nothing here\n', 'console_cmd=true\n', "target_config=''\n"])(
    'that is not there is no option: %j',
    async (config) => {
      expect(await run(config, 'get-config')).toEqual(ok(''));
    },
  );

  test.each(['echo noise', 'echo noise >&2', 'printf noise', 'cat /etc/hostname; echo noise'])(
    'is all that get-config prints, whatever the file does: %s',
    async (noise) => {
      const { stdout, exitCode } = await run(`${noise}\ntarget_config='--prefix=/x'\n`, 'get-config');
      expect({ stdout, exitCode }).toEqual({ stdout: '--prefix=/x\n', exitCode: 0 });
    },
  );

  test('is not executed', async () => {
    const config = "target_config='--prefix=$(touch canary)`touch canary`'\n";
    expect((await run(config, 'get-config')).stdout).toBe('--prefix=$(touch canary)`touch canary`\n');
    expect(await lab.exists('canary')).toBe(false);
  });
});

describe('commands', () => {
  test.each([
    ['a plain assignment', 'reset_cmd=true\nconsole_cmd="echo plain"', 'plain\n'],
    ['a function', 'board() {\n  echo "for $NB_USER"\n}\nconsole_cmd=board', 'for bob\n'],
    ['a function of the same name', 'console_cmd() { echo same; }\nconsole_cmd=console_cmd', 'same\n'],
    ['a value that uses another', 'port=/dev/null\nconsole_cmd="echo $port"', '/dev/null\n'],
    ['variables when it runs', `late=early\nconsole_cmd='echo "$late $HOME"'\nlate=late`, 'late HOME\n'],
    ['several lines', "console_cmd='\necho one\necho two\n'", 'one\ntwo\n'],
    ['a pipeline', "console_cmd='echo one two | wc -w'", '2\n'],
    ['nested quotes', `console_cmd="printf '<%s>' \\"a   b\\" 'c'"`, '<a   b><c>'],
    ['another file', `echo 'value=sourced' >~/more\n. ~/more\nconsole_cmd='echo $value'`, 'sourced\n'],
    ['a file without line end', 'console_cmd="echo end"', 'end\n'],
  ])('%s', async (_, config, expected) => {
    const { stdout, exitCode } = await run(config, 'console');
    const board = expected.replace('HOME', lab.home);
    expect({ stdout, exitCode }).toEqual({ stdout: `novaboot-shell: Connected\n${board}`, exitCode: 0 });
  });

  test('quotes survive as eval has it', async () => {
    expect((await run('reset_cmd="touch \\"file1   file2\\""\n', 'reset')).exitCode).toBe(0);
    expect(await lab.exists('file1   file2')).toBe(true);
    expect(await lab.exists('file1')).toBe(false);
  });

  test('the working directory is the home directory', async () => {
    expect((await run('reset_cmd=pwd\n', 'reset')).stdout).toBe(`${lab.home}\n`);
  });

  test('standard input is the client', async () => {
    await lab.writeConfig("console_cmd='wc -c'\nreset_cmd='wc -c'\n");
    expect((await lab.ssh('bob', ['console'], { input: 'twelve bytes' })).stdout).toMatch(/^12$/m);
    expect((await lab.ssh('bob', ['reset'], { input: 'twelve bytes' })).stdout).toBe('12\n');
  });

  test('standard error stays apart', async () => {
    expect(await run("reset_cmd='echo out; echo err >&2'\n", 'reset')).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 0,
    });
  });

  test('default_cmd may run novaboot on the server', async () => {
    const config = `target_config="--uboot=U-Boot>\n--uboot-init=setenv a b"
reset_cmd='reset "the  board"'
console_cmd='picocom /dev/null'
default_cmd='run_novaboot ~/boot.nb --extra "two words"'
`;
    await lab.writeConfig(config);
    expect(await lab.ssh('bob', [])).toMatchObject({ stderr: '', exitCode: 0 });
    const argv = (await lab.read('novaboot-argv')).split('\n');
    expect(argv[0]).toBe(`<${lab.home}/boot.nb>`);
    expect(argv).toContain('<--uboot=U-Boot>>');
    expect(argv).toContain('<--uboot-init=setenv a b>');
    expect(argv).toContain(`<--server=${lab.home}/tftproot>`);
    expect(argv).toContain('<--extra>');
    expect(argv).toContain('<two words>');
    expect(argv.some((word) => word.endsWith('reset "the  board">'))).toBe(true);
    expect(argv.some((word) => word.endsWith('picocom /dev/null>'))).toBe(true);
  });

  test.each(['console', 'reset', 'on', 'off'])('%s without its variable is an error', async (name) => {
    const { stdout, stderr, exitCode } = await run("target_config='--x'\nother_cmd=true\n", name);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 69 });
    expect(stderr).toMatch(new RegExp(`^novaboot-shell: [^\\n]*${name}_cmd[^\\n]*\\n$`));
  });
});

describe('a file that is no configuration', () => {
  const cases: [what: string, script: string][] = [
    ['missing', 'rm -rf .novaboot-shell'],
    ['unreadable', 'echo console_cmd=true >.novaboot-shell; chmod 000 .novaboot-shell'],
    ['a directory', 'mkdir .novaboot-shell'],
    ['a syntax error', `printf '%s\\n' 'console_cmd="open' 'reset_cmd=(' >.novaboot-shell`],
    ['not text', 'head -c 1000 /bin/sh >.novaboot-shell'],
  ];

  describe.each(cases)('%s', (_, script) => {
    test.each(['get-config', 'console', 'reset'])('is a one-line error of %s', async (name) => {
      await lab.sh(script);
      const { stdout, stderr, exitCode } = await lab.ssh('bob', [name]);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^novaboot-shell: [^\n]*\.novaboot-shell[^\n]*\n$/);
      expect(exitCode).toBeGreaterThan(0);
      expect(exitCode).toBeLessThan(128);
    });
  });

  test('does not matter to help and status', async () => {
    for (const name of ['help', 'status']) expect((await lab.ssh('bob', [name])).exitCode).toBe(0);
  });
});

describe('~/.novaboot-nfs', () => {
  test.each([
    ['allowed_clients=not/an/address', 'allowed_clients'],
    ['allowed_clients=10.0.0.0/99', 'allowed_clients'],
    ['server_addr=', 'server_addr'],
    ['no assignment at all', 'NAME=VALUE'],
    ['unheard_of=1', 'unheard_of'],
  ])('a wrong line %j is named with what is expected', async (line, named) => {
    await lab.writeConfig("target_config='--prefix=/x'\n");
    await lab.writeConfig(`# NFS\n\nallowed_clients=127.0.0.1\n${line}\n`, '.novaboot-nfs');
    const { stdout, stderr, exitCode } = await lab.ssh('bob', ['get-config']);
    expect(stdout).toBe('--prefix=/x\n');
    expect(stderr).toMatch(/^novaboot-shell: [^\n]*\.novaboot-nfs:4: [^\n]+\n$/);
    expect(stderr).toContain(named);
    expect(exitCode).toBe(1);
  });

  test('is nothing to a login without forced command', async () => {
    await lab.writeConfig("target_config='--prefix=/x'\n");
    await lab.writeConfig('nonsense\n', '.novaboot-nfs');
    expect(await lab.ssh('guest', ['get-config'])).toEqual(ok('--prefix=/x\n'));
  });
});
