// A WebSocket gateway before a broker's plain listener, as sites put one before brokers without
// WebSockets of their own.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer, createWebSocketStream } from 'ws';

/**
 * @param {number} target the plain listener's port on this computer
 * @returns {Promise<{ broker: string, stop: () => Promise<void> }>} with the WebSocket address
 */
export async function startGateway(target) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' });
  sockets.on('connection', (socket) => {
    const browser = createWebSocketStream(socket);
    const broker = connect(target, '127.0.0.1').setNoDelay(true);
    // Either side's end, in order or not, ends the other: nothing more to do about it.
    for (const [from, to] of /** @type {const} */ ([[browser, broker], [broker, browser]])) {
      pipeline(from, to).catch(() => socket.terminate());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    broker: `ws://127.0.0.1:${port}/mqtt`,
    stop: async () => {
      sockets.clients.forEach((socket) => socket.terminate());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
