// A broker that means ill: it carries everything between browsers and a true broker, and on command
// says to a browser what no true one would.

import { once } from 'node:events';
import { createServer } from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import { inTime } from './in-time.mjs';
import { PATIENCE } from './room.mjs';
import { packetsTo } from './wire.mjs';

/** Of a message that asks whether all before it was handled. */
const MARKER = 0xfffe;

export class HostileBroker {
  /** Connections that have come so far. */
  connections = 0;
  /** What is done with connections that come from now on, if they are not carried on. @type {((client: Client) => unknown) | undefined} */
  welcome;
  /** The newest connection. @type {Client | undefined} */
  #client;
  /** Settled while connections may come. */
  #door = Promise.resolve();
  #openDoor = () => {};
  #target;
  #server = createServer();
  #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => 'mqtt' });

  /** @param {string} target the true broker's WebSocket address */
  constructor(target) {
    this.#target = target;
  }

  /** Starts listening. */
  async open() {
    this.#server.on('upgrade', async (request, socket, head) => {
      socket.on('error', () => {});
      await this.#door;
      this.#sockets.handleUpgrade(request, socket, head, (browser) => this.#serve(browser));
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop() {
    this.unlock();
    this.#sockets.clients.forEach((browser) => browser.terminate());
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** From now on new connections wait. */
  lock() {
    this.#door = new Promise((resolve) => (this.#openDoor = () => resolve(undefined)));
  }

  /** New connections wait no more. */
  unlock() {
    this.#openDoor();
  }

  /** Its address. */
  get broker() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `ws://127.0.0.1:${port}/mqtt`;
  }

  /** The newest connection. */
  get client() {
    if (!this.#client) throw new Error('nobody has come yet');
    return this.#client;
  }

  /** @param {WebSocket} browser */
  #serve(browser) {
    this.connections += 1;
    const client = new Client(browser);
    this.#client = client;
    if (this.welcome) this.welcome(client);
    else client.carry(new WebSocket(this.#target, 'mqtt', { perMessageDeflate: false }));
  }
}

/** A browser's connection to it. */
export class Client {
  /** MQTT's version, as CONNECT said. */
  version = 0;
  /** Settled once CONNECT came. @type {Promise<unknown>} */
  connected;
  #browser;
  #gone;
  #handled = () => {};

  /** @param {WebSocket} browser */
  constructor(browser) {
    this.#browser = browser;
    // The close that follows is what matters.
    browser.on('error', () => {});
    this.#gone = once(browser, 'close');
    this.connected = new Promise((resolve) => {
      const listen = packetsTo({
        connected: (_, version) => {
          this.version = version;
          resolve(undefined);
        },
        publishing: () => {},
        acknowledged: (id) => id === MARKER && this.#handled(),
      });
      browser.on('message', (bytes) => listen(/** @type {Buffer} */ (bytes)));
    });
  }

  /** Whether the browser has not given it up. */
  get isOpen() {
    return this.#browser.readyState === WebSocket.OPEN;
  }

  /**
   * Carries everything to the true broker and back, message by message.
   * @param {WebSocket} broker
   */
  carry(broker) {
    const opened = once(broker, 'open').catch(() => this.#browser.terminate());
    broker.on('error', () => {});
    broker.on('message', (bytes) => this.#browser.send(/** @type {Buffer} */ (bytes)));
    broker.on('close', () => this.#browser.close());
    this.#browser.on('message', async (bytes) => {
      await opened;
      broker.send(/** @type {Buffer} */ (bytes));
    });
    this.#browser.on('close', () => broker.close());
  }

  /**
   * Says something, between two packets of the true broker; waits until it is on its way.
   * @param {Buffer | string} message a text goes as a WebSocket's text
   * @returns {Promise<void>}
   */
  say(message) {
    // Who left does not hear it.
    return new Promise((resolve) => this.#browser.send(message, () => resolve()));
  }

  /**
   * Says the same again and again, for as long as it is listened to.
   * @param {Buffer} message
   * @param {number} most how often at most
   * @returns {Promise<number>} how often it was said
   */
  async repeat(message, most) {
    let said = 0;
    for (; said < most && this.isOpen; said += 1) await this.say(message);
    return said;
  }

  /** Ends the connection as brokers do. */
  end() {
    this.#browser.close();
  }

  /** Waits until the browser has given the connection up. */
  async left() {
    await inTime(this.#gone, PATIENCE, 'giving the connection up');
  }

  /** Waits until the browser has handled everything that was said: what arrives is acknowledged in its order. */
  async handled() {
    const acknowledged = new Promise((resolve) => (this.#handled = () => resolve(undefined)));
    await this.say(this.publish('marker', Buffer.alloc(0), { flags: 2, id: MARKER }));
    // A flood takes its time.
    await inTime(acknowledged, 2 * PATIENCE, 'handling what a broker said');
  }

  /**
   * PUBLISH in this connection's version.
   * @param {string} topic
   * @param {Buffer} payload
   * @param {{ flags?: number, id?: number }} [how] without an identifier as at QoS 0
   */
  publish(topic, payload, { flags = 0, id } = {}) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(Buffer.byteLength(topic));
    const properties = this.version >= 5 ? [0] : [];
    return packet(0x30 | flags, Buffer.concat([length, Buffer.from(topic), number(id), Buffer.from(properties), payload]));
  }

  /**
   * An acknowledgement in this connection's version.
   * @param {number} first the fixed header's first byte
   * @param {number} id
   * @param {number[]} [results] for packets with some
   */
  acknowledgement(first, id, results = []) {
    const hasProperties = this.version >= 5 && results.length > 0;
    return packet(first, Buffer.concat([number(id), Buffer.from(hasProperties ? [0, ...results] : results)]));
  }
}

/**
 * An MQTT packet.
 * @param {number} first byte
 * @param {Buffer} rest
 */
export function packet(first, rest) {
  const header = [first];
  let length = rest.length;
  for (; length >= 0x80; length >>>= 7) header.push((length & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...header, length]), rest]);
}

/**
 * Puts a hostile broker before a true one.
 * @param {string} broker its WebSocket address
 */
export function hostileTo(broker) {
  return new HostileBroker(broker).open();
}

/** @param {number | undefined} value */
function number(value) {
  if (value === undefined) return Buffer.alloc(0);
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
