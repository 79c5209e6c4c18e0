// rumqttd with the limits of its example configuration: MQTT 3.1.1 only over WebSockets.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, portAnswers, start, stop } from './processes.mjs';

/** Built by `cargo xtask test e2e`. */
const binary =
  process.env.MQDROP_RUMQTTD ?? fileURLToPath(new URL('../../target/rumqttd/debug/mqdrop-e2e-rumqttd', import.meta.url));

/** In bytes, counting everything after the fixed header. */
export const MAX_PAYLOAD = 20_480;

/** @returns {Promise<import('./mosquitto.mjs').Broker>} */
export async function startRumqttd() {
  const folder = await mkdtemp(join(tmpdir(), 'mqdrop-rumqttd-'));
  const [plain, webSocket] = [await freePort(), await freePort()];
  const config = {
    id: 0,
    router: { max_connections: 10_010, max_outgoing_packet_count: 200, max_segment_size: 104_857_600, max_segment_count: 10 },
    v4: { 1: listener('v4-1', plain, 100) },
    ws: { 1: listener('ws-1', webSocket, 500) },
  };
  const path = join(folder, 'rumqttd.json');
  await writeFile(path, JSON.stringify(config));
  const program = await start(binary, [path], () => true);
  await Promise.all([portAnswers(webSocket), portAnswers(plain)]);
  return {
    broker: `ws://127.0.0.1:${webSocket}/mqtt`,
    observerUrl: `mqtt://127.0.0.1:${plain}`,
    stop: async () => {
      await stop(program);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @param {string} name
 * @param {number} port
 * @param {number} inFlight
 */
function listener(name, port, inFlight) {
  return {
    name,
    listen: `127.0.0.1:${port}`,
    next_connection_delay_ms: 1,
    connections: { connection_timeout_ms: 60_000, max_payload_size: MAX_PAYLOAD, max_inflight_count: inFlight, dynamic_filters: true },
  };
}
