import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readPower, resetPower, switchPower } from '../../src/power/power.ts';
import { parseSpec } from '../../src/power/spec.ts';
import { processesWith } from '../../src/system/proc.ts';
import { makeTools, type Tools } from '../support/tools.ts';

/**
 * gpioset: has the line as soon as the call returns, and holds it in the background until SIGTERM, when the line is
 * nobody's. Here a directory is the line: one process can make it.
 */
const HOLD = `
if [ -n "$HOLD" ]; then
  trap 'rm -r "$TOOLS/$HOLD"; echo "$HOLD released" >>"$TOOLS/levels"; kill $!; exit' TERM
  touch "$TOOLS/$HOLD/ready"
  sleep 600 &
  wait
fi
`;

/** 1.6: --mode=signal --background CHIP LINE=VALUE */
const VERSION_1 = `${HOLD}
case $1 in --version) echo 'gpioset (libgpiod) v1.6.3'; exit ;; esac
busy='gpioset: error setting the GPIO line values'
[ "$1 $2" = '--mode=signal --background' ] || exit 1
[ "$3" = gpiochip0 ] || { echo "$busy: No such file or directory" >&2; exit 1; }
line=\${4%=*} value=\${4#*=}
`;

/** 2: --daemonize --chip CHIP LINE=VALUE */
const VERSION_2 = `${HOLD}
case $1 in --version) echo 'gpioset (libgpiod) v2.2'; exit ;; esac
busy="gpioset: unable to request lines on chip '/dev/gpiochip0'"
[ "$1 $2" = '--daemonize --chip' ] || exit 1
[ "$3" = gpiochip0 ] || { echo "gpioset: cannot find GPIO chip character device '$3'" >&2; exit 1; }
line=\${4%=*} value=\${4#*=}
`;

const REQUEST = `
mkdir "$TOOLS/$line" 2>/dev/null || { echo "$busy: Device or resource busy" >&2; exit 1; }
echo "$line=$value" >>"$TOOLS/levels"
HOLD=$line setsid "$0" "$@" </dev/null >/dev/null 2>&1 &
until [ -e "$TOOLS/$line/ready" ]; do sleep 0.02; done
`;

let tools: Tools;
beforeEach(() => {
  tools = makeTools();
  tools.write('levels', '');
  // No scope of the account's manager: its processes would not find the stand-in.
  vi.stubEnv('XDG_RUNTIME_DIR', tools.directory);
});
afterEach(() => {
  for (const pid of processesWith([`${tools.directory}/gpioset`])) process.kill(pid, 'SIGKILL');
  vi.unstubAllEnvs();
  tools.remove();
});

const never = new AbortController().signal;

describe.each([
  ['1.6', VERSION_1],
  ['2', VERSION_2],
])('gpioset %s', (_, script) => {
  beforeEach(() => tools.add('gpioset', `${script}${REQUEST}`));

  it('is left to hold the line', async () => {
    const driver = await parseSpec('gpio:gpiochip0:17');
    await expect(readPower(driver)).rejects.toMatchObject({ exitCode: 69 });
    await switchPower(driver, 'on');
    expect(await readPower(driver)).toBe('on');
    // It goes on, without a moment in which nobody has the line.
    await switchPower(driver, 'on');
    expect(tools.read('levels')).toBe('17=1\n');
    await resetPower(driver, 0, never);
    expect(await readPower(driver)).toBe('on');
    expect(tools.read('levels')).toBe('17=1\n17 released\n17=0\n17 released\n17=1\n');
    const [holder = 0] = processesWith([`${tools.directory}/gpioset`]);
    // A session of its own: not ended with ours.
    expect(fs.readFileSync(`/proc/${holder}/stat`, 'latin1').split(' ')[5]).toBe(String(holder));
    process.kill(holder, 'SIGTERM');
    await expect.poll(() => tools.read('levels'), { timeout: 10_000 }).toMatch(/17 released\n$/);
    await expect.poll(() => readPower(driver).catch((error) => error.exitCode), { timeout: 10_000 }).toBe(69);
  });

  it('holds two lines, one the other way round', async () => {
    const one = await parseSpec('gpio:gpiochip0:1');
    const other = await parseSpec('gpio:gpiochip0:!2');
    await switchPower(one, 'on');
    await switchPower(other, 'on');
    expect(tools.read('levels')).toBe('1=1\n2=0\n');
    await switchPower(one, 'off');
    expect(await readPower(one)).toBe('off');
    expect(await readPower(other)).toBe('on');
  });

  it('says what is wrong', async () => {
    fs.mkdirSync(`${tools.directory}/5`);
    await expect(switchPower(await parseSpec('gpio:gpiochip0:5'), 'on')).rejects.toThrow(
      /^cannot set line 5 of gpiochip0: .*: Device or resource busy; gpioinfo shows the lines and who uses them$/,
    );
    await expect(switchPower(await parseSpec('gpio:gpiochip9:5'), 'on')).rejects.toThrow(
      /^cannot set line 5 of gpiochip9: (error|cannot)/,
    );
  });
});

it.each(['', 'gpiochip0', 'gpiochip0:x', '-c:1', 'gpiochip0:1=1', 'gpiochip0:-1', 'gpio chip:1', 'a:1,2'])(
  'refuses gpio:%s',
  async (rest) => {
    await expect(parseSpec(`gpio:${rest}`)).rejects.toMatchObject({ exitCode: 78 });
  },
);
