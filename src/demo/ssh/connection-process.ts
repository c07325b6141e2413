/** The sub-command `connection`: what listener.ts forks. Gets settings and socket from its parent. */
import type { Socket } from 'node:net';
import { type ConnectionSettings, serveConnection } from './connection.ts';

export function runConnectionProcess(): void {
  let stop: () => Promise<void> = async () => {};
  let stopping = false;
  function quit(status: number): void {
    if (stopping) return;
    stopping = true;
    void stop().finally(() => process.exit(status));
  }
  process.on('SIGTERM', () => quit(0));
  process.once('disconnect', () => quit(0));
  process.on('uncaughtException', (error) => {
    console.error(`novaboot-demo: connection failed: ${error.message}`);
    quit(70);
  });
  process.once('message', (settings, socket) => {
    stop = serveConnection(socket as Socket, settings as ConnectionSettings);
    // The channel to the parent alone keeps no connection open.
    process.channel?.unref();
  });
}
