// The ceiling: MQTT 3.1.1 written by hand, QoS 0, no crypto, no storage. Receivers grant a window: without
// one brokers queue, drop or slow down, and that is not the most that they carry.

const CONNECT = 0x10;
const PUBLISH = 0x30;
const SUBSCRIBE = 0x82;
const CONNACK = 0x20;
const SUBACK = 0x90;

/** Receivers tell what has come after each such part of the window. */
const CREDITS_A_WINDOW = 8;

/** Short packets share a WebSocket message of so many bytes, which MQTT allows: it has a price of its own. */
const JOINED = 65_536;

/**
 * After so many bytes what is sent repeats. Brokers that compress (RFC 7692) look 32 KiB back: what repeats within these
 * costs them nothing, but encrypted files never do.
 */
const RANDOM = 1_048_576;

const encoder = new TextEncoder();

/**
 * What has come so far, and when, in milliseconds since 1970.
 * @typedef {{ bytes: number, at: number }} Mark
 */

/** Between marks, in milliseconds. */
const INTERVAL = 50;

/**
 * Receives until all bytes are there, or until it is asked to end.
 * @param {{ broker: string, topic: string, total: number, length: number, window: number, place: number }} options
 *   `place`: which of several receivers this is, from 0
 * @returns {Promise<{ done: Promise<Mark[]>, finish: () => void }>}
 */
export function receive({ broker, topic, total, length, window, place }) {
  const payload = payloadOf(length, topic);
  return new Promise((resolve, reject) => {
    const socket = open(broker, reject);
    const packets = new PacketReader();
    let [bytes, told] = [0, 0];
    /** @type {Mark[]} */
    const marks = [];
    /** @type {(result: Mark[]) => void} */
    let end;
    const done = new Promise((result) => (end = result));
    const mark = () => marks.push({ bytes, at: now() });
    const finish = () => {
      socket.onmessage = null;
      mark();
      end(marks);
      socket.close();
    };
    socket.onmessage = ({ data }) => {
      for (const { kind, body } of packets.read(new Uint8Array(data))) {
        if (kind === CONNACK) socket.send(subscribe(topic));
        else if (kind === SUBACK) resolve({ done, finish });
        else if ((kind & 0xf0) === PUBLISH) bytes += body - 2 - topic.length;
      }
      if (bytes >= total) finish();
      else if (bytes - told >= Math.max(payload, window / CREDITS_A_WINDOW)) {
        told = bytes;
        socket.send(credit(topic, place, bytes));
      }
      if (bytes > 0 && now() - (marks.at(-1)?.at ?? 0) >= INTERVAL) mark();
    };
  });
}

/**
 * Sends random bytes as fast as the window lets it.
 * @param {{ broker: string, topic: string, total: number, length: number, window: number, receivers: number, seconds: number }} options
 *   `seconds`: ends after these, if it is not done before
 * @returns {Promise<number>} when sending began, in milliseconds since 1970
 */
export async function send({ broker, topic, total, length, window, receivers, seconds }) {
  const credits = new Credits(creditTopic(topic), receivers);
  const socket = await credits.connect(broker);
  const payload = payloadOf(length, topic);
  const packets = Math.max(1, Math.floor(JOINED / length));
  const messages = Array.from({ length: Math.ceil(RANDOM / (length * packets)) }, () => several(() => publish(topic, payload), packets));
  const bytesOfWhole = payload * packets;
  const began = now();
  setTimeout(() => credits.end(), seconds * 1000);
  for (let [sent, turn] = [0, 0]; sent < total && !credits.over; turn += 1) {
    const isWhole = sent + bytesOfWhole <= total;
    const bytes = isWhole ? bytesOfWhole : Math.min(payload, total - sent);
    const message = (isWhole && messages[turn % messages.length]) || publish(topic, bytes);
    if (sent + bytes - credits.least > window) {
      await credits.more();
      continue;
    }
    socket.send(message);
    sent += bytes;
  }
  // The last bytes leave before the connection ends.
  while (socket.bufferedAmount > 0 && !credits.over) await new Promise((resolve) => setTimeout(resolve, 1));
  socket.close();
  return began;
}

/**
 * @param {() => Uint8Array} packet makes one, always of the same length
 * @param {number} times
 */
function several(packet, times) {
  const packets = Array.from({ length: times }, packet);
  const length = packets[0]?.length ?? 0;
  const bytes = new Uint8Array(length * times);
  packets.forEach((each, place) => bytes.set(each, place * length));
  return bytes;
}

/** What receivers say that they have. */
class Credits {
  /** Nothing more is waited for. */
  over = false;
  #topic;
  /** @type {number[]} */
  #each;
  #wake = () => {};

  /**
   * @param {string} topic
   * @param {number} receivers
   */
  constructor(topic, receivers) {
    this.#topic = topic;
    this.#each = Array(receivers).fill(0);
  }

  /**
   * Connects and listens.
   * @param {string} broker
   * @returns {Promise<WebSocket>}
   */
  connect(broker) {
    return new Promise((resolve, reject) => {
      const socket = open(broker, reject);
      const packets = new PacketReader(64);
      socket.onclose = () => {
        reject(new Error(`${broker} hangs up`));
        this.end();
      };
      socket.onmessage = ({ data }) => {
        for (const { kind, content } of packets.read(new Uint8Array(data))) {
          if (kind === CONNACK) socket.send(subscribe(this.#topic));
          else if (kind === SUBACK) resolve(socket);
          else if ((kind & 0xf0) === PUBLISH) this.#hear(content.slice(2 + this.#topic.length));
        }
        this.#wake();
      };
    });
  }

  /** What every receiver has. */
  get least() {
    return Math.min(...this.#each);
  }

  /** Waits until something is said, or there is nothing to wait for. @returns {Promise<void>} */
  more() {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  end() {
    this.over = true;
    this.#wake();
  }

  /** @param {number[]} text */
  #hear(text) {
    const [place = 0, bytes = 0] = String.fromCharCode(...text).split(' ').map(Number);
    this.#each[place] = Math.max(this.#each[place] ?? 0, bytes);
  }
}

/** @param {string} topic */
function creditTopic(topic) {
  return `${topic}/c`;
}

/**
 * @param {string} topic
 * @param {number} place
 * @param {number} bytes
 */
function credit(topic, place, bytes) {
  const text = encoder.encode(`${place} ${bytes}`);
  return packet(PUBLISH, [string(creditTopic(topic)), text]);
}

/**
 * How many bytes a packet of a length carries.
 * @param {number} length of the whole packet
 * @param {string} topic
 */
function payloadOf(length, topic) {
  // Kind and, of all lengths here, two or three bytes that tell the rest's.
  const head = 1 + (length - 3 < 16_384 ? 2 : 3);
  return length - head - 2 - topic.length;
}

/**
 * @param {string} topic
 * @param {number} payload in bytes
 */
function publish(topic, payload) {
  const message = packet(PUBLISH, [string(topic)], payload);
  const most = 65_536;
  for (let at = message.length - payload; at < message.length; at += most) {
    crypto.getRandomValues(message.subarray(at, at + most));
  }
  return message;
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

/** The longest silence, in seconds: longer than any measurement. Some brokers refuse 0, which means no end. */
const KEEP_ALIVE = 600;

function connect() {
  const id = `bench-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`;
  return packet(CONNECT, [string('MQTT'), Uint8Array.of(4, 2, KEEP_ALIVE >> 8, KEEP_ALIVE & 0xff), string(id)]);
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

/** Finds packets in a stream; of each it keeps a few bytes of content at most. */
class PacketReader {
  #kind = 0;
  #body = 0;
  #shift = 0;
  #left = 0;
  /** @type {number[]} */
  #content = [];
  /** @type {'kind' | 'length' | 'body'} */
  #next = 'kind';
  #most;

  /** @param {number} [most] bytes that are kept */
  constructor(most = 0) {
    this.#most = most;
  }

  /**
   * The packets that end in these bytes.
   * @param {Uint8Array} bytes
   */
  *read(bytes) {
    for (let at = 0; at < bytes.length; ) {
      if (this.#next === 'kind') {
        this.#kind = bytes[at++] ?? 0;
        this.#body = this.#shift = 0;
        this.#content = [];
        this.#next = 'length';
      } else if (this.#next === 'length') {
        const byte = bytes[at++] ?? 0;
        this.#body += (byte & 127) << this.#shift;
        this.#shift += 7;
        if (byte < 128) {
          this.#left = this.#body;
          this.#next = 'body';
        }
      }
      if (this.#next === 'body') {
        const taken = Math.min(this.#left, bytes.length - at);
        if (this.#content.length < this.#most) this.#content.push(...bytes.subarray(at, at + Math.min(taken, this.#most)));
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) {
          this.#next = 'kind';
          yield { kind: this.#kind, body: this.#body, content: this.#content };
        }
      }
    }
  }
}
