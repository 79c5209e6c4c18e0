// aedes: a broker in Node that speaks MQTT 3.1.1 only.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { Aedes } from 'aedes';
import { WebSocketServer, createWebSocketStream } from 'ws';

/**
 * @param {object} [options]
 * @param {(message: { topic: string, qos: number, payload: string | Buffer }) => boolean} [options.loses] asked
 *   for every message to every client
 * @returns {Promise<import('./mosquitto.mjs').Broker>}
 */
export async function startAedes({ loses = () => false } = {}) {
  const aedes = await Aedes.createBroker({ authorizeForward: (_client, message) => (loses(message) ? null : message) });
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' });
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket);
    // A page that is closed resets its connection; aedes hears of it by the stream's end.
    stream.on('error', () => stream.destroy());
    aedes.handle(stream, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    broker: `ws://127.0.0.1:${port}/mqtt`,
    observerUrl: `ws://127.0.0.1:${port}/mqtt`,
    stop: async () => {
      sockets.clients.forEach((socket) => socket.terminate());
      await new Promise((resolve) => aedes.close(() => resolve(undefined)));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
