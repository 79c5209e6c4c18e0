// What browsers say to a broker, read on the way: MQTT in WebSockets, in either version.

import { BLOCK } from './member/parcel.mjs';
import { proxyTo } from './proxy.mjs';

/**
 * How many bytes are read next. What is read answers the `yield`.
 * @typedef {{ least: number, most: number }} Wanted
 */

/** @template [R=void] @typedef {Generator<Wanted, R, Buffer>} Reading */

/**
 * Who hears what a client says.
 * @typedef {object} Listener
 * @property {(clientId: string, version: number) => void} connected
 * @property {(topic: string, head: Buffer, length: number) => void} publishing its payload's beginning and length
 * @property {(id: number) => void} acknowledged
 */

/** Bits of a frame's kind. */
const [SIGNED, PIECE] = [1, 2];
/** Bytes of a piece's head; whole frames have 4 less, and more than that follow. */
const HEAD = 20;
/** What sealing adds to a frame, in bytes. */
const NONCE_AND_TAG = 24 + 16;
const SIGNATURE = 64;

/** What went through a proxy, from browsers to the broker; docs/PROTOCOL.md says how frames begin. */
export class Wire {
  /** The client ids of all connections, in the order they came. @type {string[]} */
  clientIds = [];
  /** Content that was published at least once, in bytes: whole blocks, also if the connection ended within. */
  published = 0;
  /** Content that was published though it had been before, in bytes. */
  again = 0;
  /** Called when a data frame begins, with its length in bytes. @type {(bytes: number) => void} */
  onFrame = () => {};
  /** Topics and blocks. @type {Set<string>} */
  #seen = new Set();

  /** @param {import('./proxy.mjs').Proxy} proxy */
  constructor(proxy) {
    proxy.listener = () => reader(webSocket(packetsTo(this)));
  }

  /** @param {string} clientId */
  connected(clientId) {
    this.clientIds.push(clientId);
  }

  acknowledged() {}

  /**
   * @param {string} topic
   * @param {Buffer} head the payload's beginning
   * @param {number} length the payload's, in bytes
   */
  publishing(topic, head, length) {
    if (head.length < HEAD || !/\/d\/[^/]+$/.test(topic)) return;
    this.onFrame(length);
    const [kind, first, count] = [head[1], head.readUInt32BE(2), head.readUInt16BE(6)];
    let [from, to] = [0, count];
    if (kind & PIECE) {
      // Blocks that begin within it.
      const offset = head.readUInt32BE(16);
      const bytes = length - HEAD - NONCE_AND_TAG - (kind & SIGNED ? SIGNATURE : 0);
      [from, to] = [offset, offset + bytes].map((place) => Math.ceil(place / BLOCK));
    }
    for (let block = first + from; block < first + Math.min(to, count); block += 1) {
      const name = `${topic} ${block}`;
      if (this.#seen.has(name)) this.again += BLOCK;
      else this.published += BLOCK;
      this.#seen.add(name);
    }
  }
}

/**
 * Opens a proxy before a broker and reads what goes through it.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {string} broker its WebSocket address
 */
export async function wireTo(stage, broker) {
  const proxy = await stage.use(proxyTo(broker));
  return { proxy, wire: new Wire(proxy) };
}

/**
 * Reads what a client says, in pieces of any kind.
 * @param {Listener} listener
 */
export function packetsTo(listener) {
  return reader(mqtt(listener));
}

/**
 * Reads bytes that come in pieces.
 * @param {Reading} reading
 * @returns {(bytes: Buffer) => void}
 */
function reader(reading) {
  let wanted = reading.next().value;
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    while (wanted && rest.length >= wanted.least) {
      const read = rest.subarray(0, wanted.most);
      rest = rest.subarray(read.length);
      wanted = reading.next(read).value;
    }
  };
}

/** @param {number} length @returns {Reading<Buffer>} */
function* exactly(length) {
  return length > 0 ? yield { least: length, most: length } : Buffer.alloc(0);
}

/**
 * @param {number} length
 * @param {(part: Buffer) => void} [take]
 * @returns {Reading}
 */
function* inParts(length, take = () => {}) {
  for (let left = length; left > 0; ) {
    const part = yield { least: 1, most: left };
    take(part);
    left -= part.length;
  }
}

/**
 * What a browser sends over a WebSocket (RFC 6455, section 5.2), after its request.
 * @param {(bytes: Buffer) => void} tell
 * @returns {Reading}
 */
function* webSocket(tell) {
  for (let end = ''; end !== '\r\n\r\n'; ) end = (end + (yield* exactly(1)).toString('latin1')).slice(-4);
  for (;;) {
    const [kind, short] = yield* exactly(2);
    const length = short & 0x7f;
    let size = length;
    if (length === 126) size = (yield* exactly(2)).readUInt16BE();
    if (length === 127) size = Number((yield* exactly(8)).readBigUInt64BE());
    const mask = yield* exactly(4);
    // Pings and the like are not the program's.
    const isData = (kind & 0x0f) < 8;
    let place = 0;
    yield* inParts(size, (part) => {
      // A Buffer's `map` makes a Buffer, which its type does not say.
      if (isData) tell(/** @type {Buffer} */ (part.map((byte) => byte ^ mask[place++ & 3])));
    });
  }
}

/**
 * A number of variable length (MQTT 5, section 1.5.5).
 * @returns {Reading<{ value: number, digits: number }>}
 */
function* number() {
  for (let value = 0, digits = 1; ; digits += 1) {
    const [digit] = yield* exactly(1);
    value += (digit & 0x7f) * 128 ** (digits - 1);
    if (digit < 0x80) return { value, digits };
  }
}

/**
 * What an MQTT client sends: CONNECT, PUBLISH and PUBACK (MQTT 5 and 3.1.1, sections 3.1, 3.3 and 3.4).
 * @param {Listener} listener
 * @returns {Reading}
 */
function* mqtt(listener) {
  let version = 0;
  for (;;) {
    const [head] = yield* exactly(1);
    let left = (yield* number()).value;
    /** @param {number} length @returns {Reading<Buffer>} */
    const take = function* (length) {
      left -= length;
      return yield* exactly(length);
    };
    const properties = function* () {
      if (version < 5) return;
      const { value, digits } = yield* number();
      left -= digits;
      yield* take(value);
    };
    const text = function* () {
      const length = yield* take(2);
      return (yield* take(length.readUInt16BE())).toString();
    };
    const kind = head >> 4;
    if (kind === 1) {
      yield* text();
      [version] = yield* take(1);
      // Flags and keep-alive.
      yield* take(3);
      yield* properties();
      listener.connected(yield* text(), version);
    } else if (kind === 3) {
      const topic = yield* text();
      // Of QoS 1 and 2 the packet's number.
      if ((head & 0x06) > 0) yield* take(2);
      yield* properties();
      const length = left;
      listener.publishing(topic, yield* take(Math.min(length, HEAD)), length);
    } else if (kind === 4) {
      listener.acknowledged((yield* take(2)).readUInt16BE());
    }
    yield* inParts(left);
  }
}
