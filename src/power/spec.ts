/** `power=SPEC` in ~/.novaboot-shell: which driver it means. Each is loaded only when it is meant. */
import type { PowerDriver } from './driver.ts';
import { badSpec, shown } from './errors.ts';

/** From the spec, or from what stands behind its colon, to the driver. @throws CommandError if it does not understand */
type Parse = (rest: string, spec: string) => PowerDriver;

const loadHttp = async (): Promise<Parse> => {
  const { parseHttp } = await import('./http.ts');
  return (_, spec) => parseHttp(spec);
};

const KINDS: Readonly<Record<string, () => Promise<Parse>>> = {
  usbrelay: async () => (await import('./usbrelay.ts')).parseUsbrelay,
  http: loadHttp,
  https: loadHttp,
  snmp: async () => (await import('./snmp.ts')).parseSnmp,
  usbhub: async () => (await import('./usbhub.ts')).parseUsbhub,
  gpio: async () => (await import('./gpio.ts')).parseGpio,
};

/** @throws CommandError with status `configuration` */
export async function parseSpec(spec: string): Promise<PowerDriver> {
  if (spec === '') throw badSpec('it is empty');
  if (/[^\x20-\x7e]/.test(spec)) throw badSpec('only printable ASCII is allowed');
  const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/.exec(spec) ?? [];
  const load = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (load === undefined) {
    const word = shown(kind || (spec.split(/[:\s]/, 1)[0] ?? ''));
    throw badSpec(`"${word}" is no kind of switch; there are ${Object.keys(KINDS).join(', ')}`);
  }
  return (await load())(rest, spec);
}
