import { configuredCommand } from '../shell/configured-command.ts';

export const consoleCommand = configuredCommand('console', { attached: true });
export const defaultCommand = configuredCommand('default', { attached: true });
