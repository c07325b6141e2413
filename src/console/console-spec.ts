/** The value of `console` in ~/.novaboot-shell: which line is the board's console. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import type { LineSettings } from '../system/termios.ts';

interface NetworkLine {
  readonly host: string;
  readonly port: number;
}

export type ConsoleSpec =
  | { readonly kind: 'serial'; readonly path: string; readonly settings: LineSettings }
  | ({ readonly kind: 'tcp' | 'telnet' } & NetworkLine)
  | ({ readonly kind: 'rfc2217'; readonly settings: LineSettings } & NetworkLine);

const FORMS = 'serial:/dev/DEVICE,115200n8, tcp:HOST:PORT, telnet:HOST:PORT or rfc2217:HOST:PORT,115200n8';
const DEFAULT_SETTINGS = '115200n8';
const PARITY = { n: 'none', e: 'even', o: 'odd' } as const;
/** Beyond what UARTs can do. */
const MAX_SPEED = 20_000_000;

function wrong(what: string): never {
  throw new CommandError(`console: ${what}; write ${FORMS}`, ExitCode.configuration);
}

/** @param words as in `115200n8`, and optionally `rtscts` or `xonxoff` */
function lineSettings([format = DEFAULT_SETTINGS, flowControl = 'none', ...rest]: string[]): LineSettings {
  const match = /^([1-9]\d{1,7})(?:([neo])([78])([12])?)?$/.exec(format);
  if (match === null) return wrong(`${format} is not a speed and format like ${DEFAULT_SETTINGS}`);
  const [, speed, parity = 'n', dataBits = '8', stopBits = '1'] = match;
  if (Number(speed) > MAX_SPEED) return wrong(`${speed} is faster than a serial line`);
  const isFlowControl = flowControl === 'none' || flowControl === 'rtscts' || flowControl === 'xonxoff';
  if (!isFlowControl || rest.length > 0) {
    return wrong(`${[flowControl, ...rest].join(',')} is not a flow control (rtscts, xonxoff or none)`);
  }
  return {
    speed: Number(speed),
    parity: PARITY[parity as keyof typeof PARITY],
    dataBits: dataBits === '7' ? 7 : 8,
    stopBits: stopBits === '2' ? 2 : 1,
    flowControl,
  };
}

/** @param text HOST:PORT, an IPv6 address in brackets */
function networkLine(text: string): NetworkLine {
  const match = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) return wrong(`${text} is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}

/** @throws CommandError (78) for what is no such value */
export function parseConsoleSpec(text: string): ConsoleSpec {
  const [, kind, rest = ''] = /^([a-z0-9]+):(.*)$/s.exec(text) ?? [];
  const [place = '', ...words] = rest.split(',');
  switch (kind) {
    case 'serial':
      if (!/^\/[^\0-\x1f]+$/.test(place)) return wrong(`${place || 'nothing'} is not the path of a device`);
      return { kind, path: place, settings: lineSettings(words) };
    case 'rfc2217':
      return { kind, ...networkLine(place), settings: lineSettings(words) };
    case 'tcp':
    case 'telnet':
      if (words.length > 0) return wrong(`${kind}: has no settings`);
      return { kind, ...networkLine(place) };
    default:
      return wrong(`${text || 'an empty value'} is not a console`);
  }
}
