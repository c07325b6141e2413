import { describe, expect, it } from 'vitest';
import { CONFIG_NAMES } from '../../src/admin/desired.ts';
import { nfsFile } from '../../src/admin/nfs-file.ts';
import { configFile, hasConfig } from '../../src/admin/template.ts';
import { isUntouched } from '../../src/admin/written-file.ts';
import { parsePlain } from '../../src/shell/config.ts';
import { parseNfsConfig } from '../../src/shell/nfs-config.ts';

describe('~/.novaboot-shell', () => {
  it('sets nothing at first, and has a line for each variable', () => {
    const file = configFile({});
    expect(parsePlain(file)).toEqual(new Map());
    for (const name of CONFIG_NAMES) expect(file).toMatch(new RegExp(`^#${name}=`, 'm'));
  });

  it('has examples that work when they are uncommented', () => {
    const lines = configFile({}).split('\n');
    for (const name of CONFIG_NAMES) {
      const from = lines.findIndex((line) => line.startsWith(`#${name}=`));
      const to = name === 'target_config' ? lines.indexOf('#"', from) : from;
      const text = lines.slice(from, to + 1).map((line) => line.slice(1));
      expect(parsePlain(text.join('\n'))?.get(name), name).toBeTruthy();
    }
  });

  it('is read without a shell', () => {
    const config = {
      console: 'serial:/dev/ttyUSB0,115200n8',
      reset_cmd: "echo 'a b'",
      target_config: '--uboot=(uboot)\n',
    };
    const file = configFile(config);
    expect(Object.fromEntries(parsePlain(file) ?? [])).toEqual(config);
    expect(hasConfig(file, config)).toBe(true);
    expect(hasConfig(file, { ...config, console: 'tcp:a:1' })).toBe(false);
    expect(hasConfig(file, { console: config.console })).toBe(false);
  });

  it('of another one a variable that is unknown to us stays without meaning', () => {
    expect(hasConfig('console=tcp:a:1\nmine=x\n', { console: 'tcp:a:1' })).toBe(true);
    expect(hasConfig('. ./more\nconsole=tcp:a:1\n', { console: 'tcp:a:1' })).toBe(false);
  });
});

it('~/.novaboot-nfs says what is wanted, and has a line for each setting', () => {
  const file = nfsFile({ allowed_clients: '10.0.0.7 10.0.1.0/24', quota: '20G' });
  expect(parseNfsConfig('file', file)).toEqual({
    allowed_clients: ['10.0.0.7', '10.0.1.0/24'],
    mount_options: 'rsize=1048576,wsize=1048576',
    quota: 20 * 1024 ** 3,
  });
  expect(isUntouched(file)).toBe(true);
  expect(isUntouched(file.replace('20G', '30G'))).toBe(false);
  for (const name of ['server_addr', 'max_files', 'secure', 'sync']) {
    const uncommented = file.replace(`#${name}=`, `${name}=`);
    expect(parseNfsConfig('file', uncommented)).toHaveProperty(name);
  }
});
