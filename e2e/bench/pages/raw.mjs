// The ceiling: MQTT 3.1.1 written by hand, QoS 0, no acknowledgement, no crypto, no storage.

const CONNECT = 0x10;
const PUBLISH = 0x30;
const SUBSCRIBE = 0x82;
const CONNACK = 0x20;
const SUBACK = 0x90;

/** Bytes that may wait in the browser before sending pauses. */
const MOST_BUFFERED = 4 * 1024 * 1024;

const encoder = new TextEncoder();

/**
 * Receives until all bytes are there, or nothing has come for a while.
 * @param {{ broker: string, topic: string, total: number }} options
 * @returns {Promise<{ done: Promise<{ bytes: number, at: number }> }>}
 */
export function receive({ broker, topic, total }) {
  return new Promise((resolve, reject) => {
    const socket = open(broker, reject);
    const packets = new PacketReader();
    let bytes = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let stalled;
    // When bytes came last: it is only noticed later that nothing follows them.
    let last = 0;
    /** @type {(result: { bytes: number, at: number }) => void} */
    let finish;
    const done = new Promise((result) => (finish = result));
    const end = () => {
      clearTimeout(stalled);
      finish({ bytes, at: last });
      socket.close();
    };
    socket.onmessage = ({ data }) => {
      for (const { kind, length } of packets.read(new Uint8Array(data))) {
        if (kind === CONNACK) socket.send(subscribe(topic));
        else if (kind === SUBACK) resolve({ done });
        else if ((kind & 0xf0) === PUBLISH) bytes += length - 2 - topic.length;
      }
      clearTimeout(stalled);
      last = now();
      if (bytes >= total) end();
      else if (bytes > 0) stalled = setTimeout(end, 3_000);
    };
  });
}

/**
 * Sends random bytes as fast as the browser takes them.
 * @param {{ broker: string, topic: string, total: number, payload: number }} options
 * @returns {Promise<number>} when sending began, in milliseconds since 1970
 */
export async function send({ broker, topic, total, payload }) {
  const socket = await new Promise((resolve, reject) => {
    const opened = open(broker, reject);
    opened.onmessage = () => resolve(opened);
  });
  const content = crypto.getRandomValues(new Uint8Array(65_536));
  const began = now();
  for (let sent = 0; sent < total; sent += payload) {
    while (socket.bufferedAmount > MOST_BUFFERED) await new Promise((resolve) => setTimeout(resolve, 0));
    const length = Math.min(payload, total - sent);
    const message = packet(PUBLISH, [string(topic)], length);
    for (let at = message.length - length; at < message.length; at += content.length) {
      message.set(content.subarray(0, Math.min(content.length, message.length - at)), at);
    }
    socket.send(message);
  }
  while (socket.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  socket.close();
  return began;
}

/** Milliseconds since 1970, with fractions. */
function now() {
  return performance.timeOrigin + performance.now();
}

/**
 * @param {string} broker
 * @param {(error: Error) => void} fail
 */
function open(broker, fail) {
  const socket = new WebSocket(broker, 'mqtt');
  socket.binaryType = 'arraybuffer';
  socket.onerror = () => fail(new Error(`${broker} does not answer`));
  socket.onopen = () => socket.send(connect());
  return socket;
}

function connect() {
  const id = `bench-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`;
  return packet(CONNECT, [string('MQTT'), Uint8Array.of(4, 2, 0, 0), string(id)]);
}

/** @param {string} topic */
function subscribe(topic) {
  return packet(SUBSCRIBE, [Uint8Array.of(0, 1), string(topic), Uint8Array.of(0)]);
}

/**
 * A packet with room for a payload at its end.
 * @param {number} kind
 * @param {Uint8Array[]} parts
 * @param {number} [payload] in bytes
 */
function packet(kind, parts, payload = 0) {
  let rest = parts.reduce((sum, { length }) => sum + length, payload);
  const header = [kind];
  const remaining = rest;
  do {
    header.push((rest % 128) | (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  const bytes = new Uint8Array(header.length + remaining);
  bytes.set(header);
  let at = header.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @param {string} text */
function string(text) {
  const bytes = encoder.encode(text);
  return Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes);
}

/** Finds packets in a stream without keeping their content. */
class PacketReader {
  #kind = 0;
  #length = 0;
  #shift = 0;
  #left = 0;
  /** @type {'kind' | 'length' | 'body'} */
  #next = 'kind';

  /**
   * The packets that end in these bytes.
   * @param {Uint8Array} bytes
   */
  *read(bytes) {
    for (let at = 0; at < bytes.length; ) {
      if (this.#next === 'kind') {
        this.#kind = bytes[at++] ?? 0;
        this.#length = this.#shift = 0;
        this.#next = 'length';
      } else if (this.#next === 'length') {
        const byte = bytes[at++] ?? 0;
        this.#length += (byte & 127) << this.#shift;
        this.#shift += 7;
        if (byte < 128) {
          this.#left = this.#length;
          this.#next = 'body';
        }
      }
      if (this.#next === 'body') {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) {
          this.#next = 'kind';
          yield { kind: this.#kind, length: this.#length };
        }
      }
    }
  }
}
