/** What keeps a boot loader from starting a kernel. */
import { type BootEvent, type ConsoleEvent, isMarker } from './event.ts';
import { booting, eventsOf, type Finding, isFresh, lastLine, type Situation } from './finding.ts';

const STOPPED = 'in the boot loader';

/** What has gone wrong, if the last thing that was loaded was not loaded. */
const FAILURES = [
  'tftp-error',
  'no-answer',
  'no-dhcp',
  'no-link',
  'no-network',
  'loader-error',
  'bad-image',
] as const;

function isLoaded(event: BootEvent): boolean {
  return isMarker(event, 'loaded') || (event.event === 'tftp' && event.outcome === 'complete');
}

function hasFailed(event: BootEvent): boolean {
  return isMarker(event, ...FAILURES) || (event.event === 'tftp' && event.outcome !== 'complete');
}

export function noDhcpFinding(): Finding {
  return {
    verdict: 'no-dhcp',
    stopped: STOPPED,
    why: 'No DHCP server answers the board.',
    advice: ['Check its network cable, and that the DHCP server runs and knows the board.'],
  };
}

export function noNetworkFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'no-network',
    stopped: 'without a network',
    why: `The boot loader has no network device: ${detail}`,
    advice: [
      'It needs the driver of the network card, and the card in its device tree; one on USB needs: usb start.',
    ],
  };
}

export function noLinkFinding({ line }: ConsoleEvent): Finding {
  return {
    verdict: 'no-link',
    stopped: 'without a network',
    why: `The board has no network link: ${line.trim()}`,
    advice: ['Check the network cable and the switch it goes to.'],
  };
}

/** A bad image is often what is left in memory where the right one could not be loaded. */
export function badImageFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const before = eventsOf(situation).findLast(
    (event) => isLoaded(event) || (hasFailed(event) && !isMarker(event, 'bad-image')),
  );
  if (before && hasFailed(before)) return undefined;
  return {
    verdict: 'bad-image',
    stopped: 'when the kernel was to be started',
    why: `What was loaded is no kernel for the command that is to start it: ${detail}`,
    advice: [
      'U-Boot: booti starts an uncompressed arm64 Image, bootz a zImage, bootm a uImage or FIT image.',
      'Check that the right file was loaded, and that kernel, ramdisk and device tree do not overlap in memory.',
    ],
  };
}

export function loaderErrorFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const loaded = eventsOf(situation).findLast((event) => isLoaded(event) || hasFailed(event));
  if (loaded && !isMarker(loaded, 'loader-error')) return undefined;
  return {
    verdict: 'loader-error',
    stopped: STOPPED,
    why: `The boot loader says: ${detail}`,
    advice: ['Check what it is told to do: its bootcmd, or the commands that novaboot sends it.'],
  };
}

export function loaderCrashFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'loader-crash',
    stopped: STOPPED,
    why: `The boot loader has crashed: ${detail}`,
    advice: ['Check the addresses that files are loaded to; they may lie where the boot loader itself is.'],
  };
}

export function loaderFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  if (isFresh(situation)) return booting(situation);
  return {
    verdict: 'loader-silent',
    stopped: STOPPED,
    why: `${detail} began; that it loaded or started anything is not to be seen.${lastLine(situation)}`,
    advice: ['Look at its console: ssh BOARD console. It may wait there for a key, or for commands.'],
  };
}

/** It waits. What was loaded before, or failed, is what counts. */
export function promptFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const before = eventsOf(situation).findLast((event) => isLoaded(event) || hasFailed(event));
  if (before) return undefined;
  return {
    verdict: 'prompt',
    stopped: STOPPED,
    why: `The boot loader waits at its prompt (${detail}) for commands; nothing was loaded.`,
    advice: [
      'Boot with novaboot, or type the commands on the console (ssh BOARD console). To boot by itself, it needs a bootcmd.',
    ],
  };
}
