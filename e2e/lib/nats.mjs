// NATS with JetStream, from Debian's nats-server: MQTT 3.1.1 over its WebSocket port.

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, portAnswers, start, stop } from './processes.mjs';

/** @returns {Promise<import('./mosquitto.mjs').Broker>} */
export async function startNats() {
  const folder = await mkdtemp(join(tmpdir(), 'mqdrop-nats-'));
  const [own, plain, webSocket] = [await freePort(), await freePort(), await freePort()];
  // MQTT needs JetStream, JetStream a name.
  const config = `
    server_name: mqdrop
    listen: "127.0.0.1:${own}"
    jetstream { store_dir: ${JSON.stringify(folder)} }
    mqtt { listen: "127.0.0.1:${plain}" }
    websocket { listen: "127.0.0.1:${webSocket}", no_tls: true }
  `;
  const path = join(folder, 'nats.conf');
  await writeFile(path, config);
  const command = existsSync('/usr/sbin/nats-server') ? '/usr/sbin/nats-server' : 'nats-server';
  const program = await start(command, ['-c', path], (line) => line.includes('Server is ready'));
  await Promise.all([portAnswers(webSocket), portAnswers(plain)]);
  return {
    broker: `ws://127.0.0.1:${webSocket}/mqtt`,
    observerUrl: `mqtt://127.0.0.1:${plain}`,
    said: program.said,
    stop: async () => {
      await stop(program);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
