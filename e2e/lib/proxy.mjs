// A TCP proxy between browsers and a broker: the network as it can be. It counts bytes, delays them,
// limits their rate, holds them back, spoils them, cuts connections and goes away.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer, createWebSocketStream } from 'ws';

/** How many bytes may be on their way in one direction of one connection, beyond what sockets hold. */
const MOST_ON_THE_WAY = 4 * 1024 * 1024;

/**
 * One end of a carried connection.
 * @typedef {import('node:stream').Duplex & { resetAndDestroy?: () => unknown }} End
 */

export class Proxy {
  /** Bytes from browsers. */
  up = 0;
  /** Bytes to browsers. */
  down = 0;
  /** Connections that have come so far. */
  connections = 0;
  /** Bytes a second each connection may carry in each direction. */
  limit = Infinity;
  /** Milliseconds that bytes take in each direction: half of what is added to a round trip. */
  latency = 0;
  /** What happens to the bytes of connections that come from now on. @type {import('./faults.mjs').Faults | undefined} */
  faults;
  /** Asked for every connection that comes from now on for who hears what its browser says. @type {(() => (bytes: Buffer) => void) | undefined} */
  listener;
  /** Called when one end of a connection is gone. */
  onEnd = () => {};
  /** Settled while bytes may pass. */
  #passage = Promise.resolve();
  #letPass = () => {};
  #target;
  #unwraps;
  #port = 0;
  #streams = 0;
  /** @type {import('node:net').Server} */
  #server = createServer();
  /** @type {Set<End>} */
  #ends = new Set();

  /**
   * @param {number} target a port of this computer
   * @param {{ unwraps?: boolean }} [options] whether it takes the bytes out of WebSockets, as sites do
   *   before brokers without WebSockets of their own
   */
  constructor(target, { unwraps = false } = {}) {
    this.#target = target;
    this.#unwraps = unwraps;
  }

  /** Starts listening, on the same port as before if it did. */
  async open() {
    this.#server = this.#unwraps ? this.#webSocketServer() : createServer((browser) => this.#carry(browser.setNoDelay(true)));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    this.#port = address.port;
    return this;
  }

  /** Refuses new connections; those that are there stay. */
  refuse() {
    this.#server.close();
  }

  /** Cuts every connection and refuses new ones. */
  async close() {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.refuse();
    this.cut();
    this.heal();
    await closed;
  }

  /** Ends for good; see {@link close}. */
  stop() {
    return this.close();
  }

  /** Cuts every connection; new ones are welcome. */
  cut() {
    this.#ends.forEach(reset);
  }

  /** From now on nothing gets through in either direction, and nobody is told. */
  blackHole() {
    this.#passage = new Promise((resolve) => (this.#letPass = () => resolve(undefined)));
  }

  /** Bytes get through again. */
  heal() {
    this.#letPass();
  }

  /** The port of this computer that it listens on. */
  get port() {
    return this.#port;
  }

  /** The broker's WebSocket address through this proxy. */
  get broker() {
    return `ws://127.0.0.1:${this.#port}/mqtt`;
  }

  #webSocketServer() {
    const server = createHttpServer();
    const sockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' });
    sockets.on('connection', (socket) => this.#carry(createWebSocketStream(socket)));
    return server;
  }

  /** @param {End} browser */
  #carry(browser) {
    this.connections += 1;
    const broker = connect(this.#target, '127.0.0.1').setNoDelay(true);
    for (const [from, to, way] of /** @type {const} */ ([
      [browser, broker, 'up'],
      [broker, browser, 'down'],
    ])) {
      this.#ends.add(from);
      // The close that follows is what matters.
      from.on('error', () => {});
      const pumped = this.#pump(from, to, way);
      from.once('close', async () => {
        this.#ends.delete(from);
        this.onEnd();
        await pumped;
        // The end of a connection is news as well.
        await this.#passage;
        to.destroy();
      });
    }
  }

  /**
   * Carries bytes until there are no more.
   * @param {End} from
   * @param {End} to
   * @param {'up' | 'down'} way
   */
  async #pump(from, to, way) {
    const spoil = this.faults?.stream((this.#streams += 1));
    const hear = way === 'up' ? this.listener?.() : undefined;
    let delivered = Promise.resolve();
    let onTheWay = 0;
    // When the line will have carried everything that was put on it.
    let free = 0;
    try {
      for await (const chunk of from) {
        this[way] += chunk.length;
        hear?.(chunk);
        const { bytes, reset: ends } = spoil?.(chunk) ?? { bytes: chunk, reset: false };
        free = Math.max(free, performance.now()) + (bytes.length / this.limit) * 1000;
        const arrival = free + this.latency;
        onTheWay += bytes.length;
        delivered = delivered.then(async () => {
          await until(arrival);
          await this.#passage;
          await write(to, bytes);
          onTheWay -= bytes.length;
        });
        if (ends) {
          await delivered;
          reset(from);
          reset(to);
          return;
        }
        await until(free);
        if (this.latency === 0 || onTheWay > MOST_ON_THE_WAY) await delivered;
      }
      await delivered;
      to.end();
    } catch {
      await delivered;
      await this.#passage;
      to.destroy();
    }
  }
}

/**
 * Opens a proxy before the broker at an address of this computer.
 * @param {string} broker
 */
export function proxyTo(broker) {
  return new Proxy(Number(new URL(broker).port)).open();
}

/** @param {End} end */
function reset(end) {
  if (end.resetAndDestroy) end.resetAndDestroy();
  else end.destroy();
}

/**
 * Waits for a moment on this process's clock.
 * @param {number} moment
 */
async function until(moment) {
  const wait = moment - performance.now();
  if (wait >= 1) await delay(wait);
}

/**
 * Writes and waits until there is room for more; what is closed takes everything.
 * @param {End} to
 * @param {Buffer} bytes
 * @returns {Promise<void>}
 */
async function write(to, bytes) {
  if (to.destroyed || to.write(bytes)) return;
  await new Promise((resolve) => {
    const done = () => {
      to.off('drain', done);
      to.off('close', done);
      resolve(undefined);
    };
    to.on('drain', done);
    to.on('close', done);
  });
}
