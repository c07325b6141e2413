import { afterEach, beforeEach, expect, it } from 'vitest';
import { readPower, switchPower } from '../../src/power/power.ts';
import { parseSpec } from '../../src/power/spec.ts';
import { makeTools, type Tools } from '../support/tools.ts';

/** uhubctl 2.5 of a hub at 1-1 (and 2-1, its USB 3 half) with 4 ports, of which $TOOLS/off lists those without power. */
const UHUBCTL = `
while getopts l:p:a: option; do
  case $option in l) location=$OPTARG ;; p) port=$OPTARG ;; a) action=$OPTARG ;; esac
done
echo "$*" >>"$TOOLS/calls"
[ "$location" = 1-1 ] || {
  printf 'No compatible devices detected at location %s!\\nRun with -h to get usage info.\\n' "$location" >&2
  exit 1
}
show() {
  for hub in 1-1:0100:0503 2-1:02a0:0203; do
    echo "$1 status for hub \${hub%%:*} [2109:2817 VIA Labs, Inc. USB2.0 Hub, USB 2.10, 4 ports, ppps]"
    [ "$port" -gt 4 ] || if grep -q "^$port$" "$TOOLS/off"; then
      echo "  Port $port: 0000 off"
    else
      rest=\${hub#*:}
      echo "  Port $port: \${rest%%:*} power enable connect [0781:5581 off SanDisk Ultra]"
    fi
  done
}
show Current
case $action in
  on) sed -i "/^$port$/d" "$TOOLS/off" ;;
  off) echo "$port" >>"$TOOLS/off" ;;
  *) exit 0 ;;
esac
echo "Sent power $action request"
show New
`;

let tools: Tools;
beforeEach(() => {
  tools = makeTools();
  tools.add('uhubctl', UHUBCTL);
  tools.write('off', '3\n');
});
afterEach(() => tools.remove());

it('switches one port', async () => {
  const driver = await parseSpec('usbhub:1-1:2');
  expect(await readPower(driver)).toBe('on');
  await switchPower(driver, 'off');
  expect(tools.read('off')).toBe('3\n2\n');
  expect(await readPower(driver)).toBe('off');
  await switchPower(driver, 'on');
  expect(tools.read('off')).toBe('3\n');
  expect(await readPower(driver)).toBe('on');
  expect(tools.read('calls')).toContain('-l 1-1 -p 2 -a off\n');
});

it('says what is wrong', async () => {
  await expect(switchPower(await parseSpec('usbhub:1-2:2'), 'on')).rejects.toThrow(
    'no hub that can switch is at 1-2;',
  );
  await expect(readPower(await parseSpec('usbhub:1-1:9'))).rejects.toThrow(
    'shows no port 9 of the hub at 1-1',
  );
  const driver = await parseSpec('usbhub:1-1:2');
  tools.add(
    'uhubctl',
    `printf 'There were permission problems while accessing USB.\\nFollow https://git.io/JIB2Z for a fix!\\n' >&2
printf 'No compatible devices detected at location 1-1!\\n' >&2; exit 1`,
  );
  await expect(switchPower(driver, 'on')).rejects.toThrow('uhubctl may not switch the hub; ');
  tools.add('uhubctl', "echo 'Error initializing USB!' >&2; exit 1");
  await expect(switchPower(driver, 'on')).rejects.toThrow(
    'uhubctl failed (status 1): Error initializing USB!',
  );
});

it.each(['', '1-1', '1-1:0', '1-1:x', '-a:1', '1-1:2:3', '1-1 :2', '1-1:2,3'])(
  'refuses usbhub:%s',
  async (rest) => {
    await expect(parseSpec(`usbhub:${rest}`)).rejects.toMatchObject({ exitCode: 78 });
  },
);
