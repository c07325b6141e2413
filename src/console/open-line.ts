/** Opens whatever the configuration calls the console. */
import type { ConsoleSpec } from './console-spec.ts';
import type { Line } from './line.ts';

/** @throws CommandError where it is absent, in use, or does not answer */
export async function openLine(spec: ConsoleSpec): Promise<Line> {
  switch (spec.kind) {
    case 'serial': {
      const { openSerialLine } = await import('./serial-line.ts');
      return openSerialLine(spec.path, spec.settings);
    }
    case 'tcp': {
      const { openTcpLine } = await import('./tcp-line.ts');
      return openTcpLine(spec);
    }
    case 'telnet': {
      const { openTelnetLine } = await import('./telnet-line.ts');
      return openTelnetLine(spec);
    }
    case 'rfc2217': {
      const { openRfc2217Line } = await import('./rfc2217-line.ts');
      return openRfc2217Line(spec);
    }
  }
}
