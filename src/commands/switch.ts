import { configuredCommand } from '../shell/configured-command.ts';

export const reset = configuredCommand('reset');
export const on = configuredCommand('on');
export const off = configuredCommand('off');
