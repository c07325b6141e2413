import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readPower, resetPower, switchPower } from '../../src/power/power.ts';
import { parseSpec } from '../../src/power/spec.ts';
import { makeTools, type Tools } from '../support/tools.ts';

/**
 * usbrelay 1.0: without arguments the relays' states; with some it prints them as they were before. The module's data
 * go to stderr. A module that is not there is passed over, with status 0 if it is the first word.
 */
const USBRELAY = `
[ ! -e "$TOOLS/denied" ] || {
  echo 'Unable to open any device - Use root, sudo or set the device permissions via udev' >&2
  exit 0
}
if [ -s "$TOOLS/relays" ]; then
  printf 'Device Found\\n  type: 16c0 05df\\n  path: /dev/hidraw0\\n  serial_number: \\n' >&2
  printf 'Manufacturer: www.dcttech.com\\n  Product:      USBRelay2\\n  Number of Relays = 2\\n' >&2
  cat "$TOOLS/relays"
fi
echo "$*" >>"$TOOLS/calls"
for word; do
  grep -q "^\${word%%=*}=" "$TOOLS/relays" || continue
  [ ! -e "$TOOLS/stuck" ] || continue
  sed -i "s/^\${word%%=*}=.*/$word/" "$TOOLS/relays"
done
`;

let tools: Tools;
beforeEach(() => {
  tools = makeTools();
  tools.add('usbrelay', USBRELAY);
  tools.write('relays', 'LY03X_1=0\nLY03X_2=0\n');
});
afterEach(() => tools.remove());

const never = new AbortController().signal;

it('switches one relay and leaves the other', async () => {
  const driver = await parseSpec('usbrelay:LY03X_1');
  await switchPower(driver, 'on');
  expect(tools.read('relays')).toBe('LY03X_1=1\nLY03X_2=0\n');
  expect(await readPower(driver)).toBe('on');
  await resetPower(driver, 0, never);
  expect(tools.read('calls').split('\n').filter(Boolean)).toEqual(['LY03X_1=1', 'LY03X_1=0', 'LY03X_1=1']);
  await switchPower(driver, 'off');
  expect(await readPower(driver)).toBe('off');
});

it('switches several at once, some the other way round', async () => {
  const driver = await parseSpec('usbrelay:LY03X_1,!LY03X_2');
  await switchPower(driver, 'on');
  expect(tools.read('relays')).toBe('LY03X_1=1\nLY03X_2=0\n');
  await switchPower(driver, 'off');
  expect(tools.read('relays')).toBe('LY03X_1=0\nLY03X_2=1\n');
  expect(await readPower(driver)).toBe('off');
  tools.write('relays', 'LY03X_1=1\nLY03X_2=1\n');
  await expect(readPower(driver)).rejects.toThrow('some of the relays are on and some are off');
});

it('says what is wrong, though usbrelay itself says that all is well', async () => {
  const driver = await parseSpec('usbrelay:LY03X_1');
  tools.write('relays', '');
  const absent = 'no relay LY03X_1 is there; is its board plugged in?';
  await expect(switchPower(driver, 'on')).rejects.toThrow(absent);
  tools.write('relays', 'LY03X_1=x\x1b[2J\n');
  await expect(switchPower(driver, 'on')).rejects.toThrow('usbrelay says "LY03X_1=x?[2J"; try it by hand');
  tools.write('denied', '');
  await expect(switchPower(driver, 'on')).rejects.toThrow('usbrelay may not open the relay board');
});

it('believes a relay that cannot tell', async () => {
  const driver = await parseSpec('usbrelay:HURTM_1');
  tools.write('relays', 'HURTM_1=-1\n');
  await expect(readPower(driver)).rejects.toMatchObject({ exitCode: 69 });
  tools.write('stuck', '');
  await switchPower(driver, 'on');
});

it('is not installed', async () => {
  const driver = await parseSpec('usbrelay:LY03X_1');
  fs.rmSync(`${tools.directory}/usbrelay`);
  await expect(switchPower(driver, 'on')).rejects.toThrow(
    'the program usbrelay cannot be run; it is in the Debian package usbrelay',
  );
});

it('a usbrelay that hangs ends with the driver, also if that is killed', async () => {
  tools.add('usbrelay', 'echo $$ >"$TOOLS/pid"; exec sleep 600');
  const child = spawn(process.execPath, ['bin/novaboot-driver.ts', 'on'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin?.end('usbrelay:LY03X_1');
  const isRunning = () => {
    try {
      // A dead process that nobody waited for has none.
      return fs.readFileSync(`/proc/${tools.read('pid').trim()}/cmdline`, 'latin1').includes('sleep');
    } catch {
      return false;
    }
  };
  await expect.poll(isRunning, { timeout: 20_000 }).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
});

it.each([
  ['exit 3', 'usbrelay failed (status 3): no reason given'],
  ['kill -SEGV $$', 'usbrelay ended by SIGSEGV; try it by hand'],
  ['yes', 'usbrelay says too much; try it by hand'],
  ['exec sleep 60', 'no answer within 5 s'],
])('usbrelay does `%s`', async (script, message) => {
  tools.add('usbrelay', script);
  await expect(readPower(await parseSpec('usbrelay:LY03X_1'))).rejects.toThrow(message);
});

it.each(['', 'LY03X', 'LY03X_0', 'LY03X_1,', '-q', 'LY03X_1=1', 'LY03X_1 LY03X_2', '$(id)_1'])(
  'refuses usbrelay:%s',
  async (rest) => {
    await expect(parseSpec(`usbrelay:${rest}`)).rejects.toMatchObject({ exitCode: 78 });
  },
);
