// A TCP proxy between a browser and a broker that counts bytes, slows them down, and goes away.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export class CountingProxy {
  /** Bytes from the browser. */
  up = 0;
  /** Bytes to the browser. */
  down = 0;
  /** Bytes a second each connection may carry in each direction. */
  limit = Infinity;
  /** @type {number} */
  #target;
  #port = 0;
  #server = createServer();
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();

  /** @param {number} target a port of this computer */
  constructor(target) {
    this.#target = target;
  }

  /** Starts listening, on the same port as before if it did. */
  async open() {
    this.#server = createServer((browser) => this.#carry(browser));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    this.#port = address.port;
    return this;
  }

  /** Cuts every connection and refuses new ones. */
  async close() {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Cuts every connection; new ones are welcome. */
  cut() {
    this.#sockets.forEach((socket) => socket.resetAndDestroy());
  }

  /** The broker's WebSocket address through this proxy. */
  get broker() {
    return `ws://127.0.0.1:${this.#port}/mqtt`;
  }

  /** @param {import('node:net').Socket} browser */
  #carry(browser) {
    const broker = connect(this.#target, '127.0.0.1');
    for (const [from, to, count] of /** @type {const} */ ([
      [browser, broker, (/** @type {number} */ bytes) => (this.up += bytes)],
      [broker, browser, (/** @type {number} */ bytes) => (this.down += bytes)],
    ])) {
      from.setNoDelay(true);
      this.#sockets.add(from);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      // The close that follows is what matters.
      from.on('error', () => {});
      void this.#pump(from, to, count);
    }
  }

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   * @param {(bytes: number) => void} count
   */
  async #pump(from, to, count) {
    try {
      for await (const bytes of from) {
        count(bytes.length);
        if (!to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
        if (Number.isFinite(this.limit)) await delay((bytes.length / this.limit) * 1000);
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}

/**
 * Opens a proxy before the broker at a WebSocket address.
 * @param {string} broker
 */
export function proxyTo(broker) {
  return new CountingProxy(Number(new URL(broker).port)).open();
}
