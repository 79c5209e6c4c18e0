// A member of the room that is no browser: written from docs/PROTOCOL.md, so that it checks app and
// document against each other. It is honest in what it is asked to do, and can say anything else.

import assert from 'node:assert/strict';
import { connectAsync } from 'mqtt';
import { base32, Identity, openRoom } from './member/keys.mjs';
import { decodeMessage, encodeMessage } from './member/messages.mjs';
import { Receiving } from './member/receiving.mjs';
import { open, sealFrame, sealToDevice, sealToRoom } from './member/sealing.mjs';
import { Sending } from './member/sending.mjs';
import { PATIENCE } from './room.mjs';

const PREFIX = 'mqdrop/1';
/** How often it says that it is there, in milliseconds. */
const ALIVE = 30_000;

/**
 * What another device said.
 * @typedef {{ from: string, name: string, fields: import('./member/messages.mjs').Fields }} Heard
 */

/** To one device instead of the room; as another device than itself. @typedef {{ to?: string, as?: Identity }} Way */

/**
 * Joins a room.
 * @param {import('./station.mjs').Station} station
 * @param {{ key: string, name: string }} how
 */
export async function joinAsMember(station, { key, name }) {
  const member = new Member(openRoom(key), name);
  await member.join(station.observerUrl);
  return member;
}

export class Member {
  identity = new Identity();
  /** Everything that was said to the room or to it. @type {Heard[]} */
  messages = [];
  /** The newest data frame's send time, of each parcel whose topic it is subscribed to. @type {Map<string, number>} */
  sendTimes = new Map();
  /** What went wrong here; nobody but it is to blame, or the document. @type {unknown[]} */
  failures = [];
  /** @type {Map<string, Uint8Array>} */
  #publicKeys = new Map();
  /** Who it is, and who it pretends to be besides, by device. @type {Map<string, { identity: Identity, name: string }>} */
  #guises = new Map();
  /** @type {Map<string, Sending>} */
  #sendings = new Map();
  /** @type {Map<string, { receiving: Receiving, resolve: (files: import('./member/parcel.mjs').File[]) => void, reject: (error: unknown) => void }>} */
  #receivings = new Map();
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #alive;
  /** @type {import('mqtt').MqttClient | undefined} */
  #client;

  /**
   * @param {import('./member/keys.mjs').RoomKeys} room
   * @param {string} name
   */
  constructor(room, name) {
    this.room = room;
    this.name = name;
  }

  /** @param {string} url where a plain MQTT client connects */
  async join(url) {
    const will = { topic: this.topic('c'), payload: sealToRoom(this.room, this.identity, this.#encode('gone')), qos: /** @type {const} */ (1) };
    this.#client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, will });
    this.#client.on('message', (topic, payload) => this.mind(this.#handle(topic.slice(this.topic('').length), payload)));
    await this.subscribe('c');
    await this.comeIn(this.name, this.identity);
    this.#alive = setInterval(() => this.mind(this.say('alive', this.introduction(this.name, this.identity))), ALIVE);
  }

  /**
   * Says hello to the room, and from then on answers whoever asks whether it is there.
   * @param {string} name
   * @param {Identity} [identity] another device than it is
   */
  async comeIn(name, identity = new Identity()) {
    this.#guises.set(identity.device, { identity, name });
    await this.subscribe(`i/${identity.device}`);
    identity.hello = identity.counter + 1;
    await this.say('hello', this.introduction(name, identity), { as: identity });
    return identity;
  }

  /** Leaves without a word but the will; fails if it heard what the document does not know. */
  async stop() {
    clearInterval(this.#alive);
    this.#receivings.forEach(({ receiving }) => receiving.stop());
    // What is cut off by leaving is no failure.
    const failures = [...this.failures];
    await this.#client?.endAsync(true);
    assert.deepEqual(failures, [], 'all that the member heard is as the document says');
  }

  /**
   * What a device says of itself.
   * @param {string} name
   * @param {Identity} identity
   * @param {number} heard the counter of the hello that this answers
   */
  introduction(name, identity, heard = 0) {
    return { hello: identity.hello, heard, card: identity.card(this.room, name) };
  }

  /**
   * Says something.
   * @param {string} name the message's
   * @param {import('./member/messages.mjs').Fields} [fields]
   * @param {Way} [way]
   */
  async say(name, fields, way = {}) {
    await this.tell(this.#encode(name, fields, way.as), way);
  }

  /**
   * Seals anything as a message.
   * @param {Uint8Array} body
   * @param {Way} [way]
   */
  async tell(body, { to, as = this.identity } = {}) {
    if (to === undefined) await this.publish('c', sealToRoom(this.room, as, body));
    else await this.publish(`i/${to}`, sealToDevice(this.room, as, this.publicKeyOf(to), body));
  }

  /**
   * Publishes anything.
   * @param {string} tail of the topic
   * @param {Buffer} payload
   * @param {0 | 1} [qos]
   */
  async publish(tail, payload, qos = 1) {
    await this.#client?.publishAsync(this.topic(tail), payload, { qos });
  }

  /**
   * Sends a data frame of anybody's parcel: everyone in the room knows its content key.
   * @param {import('./member/messages.mjs').Fields} offer
   * @param {import('./member/sealing.mjs').FrameHead} head
   * @param {Uint8Array} blocks
   * @param {Uint8Array} [secret] the parcel's, to sign it with
   */
  async sendFrame(offer, head, blocks, secret) {
    const { parcel, contentKey } = /** @type {import('./member/messages.mjs').Offer} */ (offer);
    const signer = secret && { secret, sender: this.identity.id };
    await this.publish(`d/${base32(parcel)}`, sealFrame({ parcel, contentKey }, head, blocks, signer), 0);
  }

  /** @param {string} tail of the topic */
  async subscribe(tail) {
    // What it says itself is no news.
    await this.#client?.subscribeAsync(this.topic(tail), { qos: tail.startsWith('d/') ? 0 : 1, nl: true });
  }

  /** @param {string} tail */
  topic(tail) {
    return `${PREFIX}/${this.room.room}/${tail}`;
  }

  /**
   * Waits for a message.
   * @param {string} name
   * @param {(heard: Heard) => boolean} [matches]
   * @returns {Promise<Heard>}
   */
  async heard(name, matches = () => true) {
    return this.#found((heard) => heard.name === name && matches(heard), `${name} is heard`);
  }

  /**
   * Waits until something is so; asks after every message.
   * @param {() => boolean} condition
   * @param {string} what
   * @returns {Promise<void>}
   */
  async until(condition, what) {
    if (condition()) return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(reject, new Error(`waited in vain until ${what}`, { cause: this.failures })), PATIENCE);
      const listener = () => condition() && end(resolve);
      /** @param {(value?: any) => void} settle @param {Error} [error] */
      const end = (settle, error) => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        settle(error);
      };
      this.#listeners.add(listener);
    });
  }

  /**
   * The device of this name, once it is heard.
   * @param {string} name
   */
  async device(name) {
    const { from } = await this.#found(({ fields }) => fields.card?.get(2) === name, `${name} is here`);
    return from;
  }

  /** @param {string} device that was heard */
  publicKeyOf(device) {
    const publicKey = this.#publicKeys.get(device);
    if (!publicKey) throw new Error(`${device} was not heard`);
    return publicKey;
  }

  /**
   * Offers a parcel to the room and sends it to whoever wants it.
   * @param {import('./member/parcel.mjs').Parcel} parcel
   * @param {import('./member/messages.mjs').Fields} [lies] in the offer
   */
  async share(parcel, lies) {
    this.#sendings.set(parcel.name, new Sending(this, parcel));
    await this.say('offer', { ...parcel.offer(this.identity), ...lies });
  }

  /**
   * The offer of a transfer that a window shows.
   * @param {import('./transfer.mjs').Transfer} transfer
   */
  async offerOf({ parcel }) {
    return this.heard('offer', ({ fields }) => base32(fields.parcel) === parcel);
  }

  /**
   * Receives what was offered.
   * @param {Heard} offer
   * @returns {Promise<import('./member/parcel.mjs').File[]>}
   */
  async receive({ from, fields }) {
    const receiving = new Receiving(this, from, fields);
    return new Promise((resolve, reject) => {
      this.#receivings.set(receiving.parcel, { receiving, resolve, reject });
      receiving.begin().catch(reject);
    });
  }

  /**
   * Keeps what goes wrong where nobody waits.
   * @param {Promise<unknown>} acting
   */
  mind(acting) {
    acting.catch((error) => this.failures.push(error));
  }

  /**
   * @param {(heard: Heard) => boolean} matches
   * @param {string} what
   * @returns {Promise<Heard>}
   */
  async #found(matches, what) {
    await this.until(() => this.messages.some(matches), what);
    return /** @type {Heard} */ (this.messages.find(matches));
  }

  /**
   * @param {string} name
   * @param {import('./member/messages.mjs').Fields} [fields]
   */
  #encode(name, fields = {}, as = this.identity) {
    as.counter += 1;
    return encodeMessage(as.counter, name, fields);
  }

  /**
   * @param {string} tail
   * @param {Buffer} payload
   */
  async #handle(tail, payload) {
    const [kind, id] = tail.split('/');
    if (kind === 'd') {
      this.sendTimes.set(id, Number(payload.readBigUInt64BE(8)));
      this.#listeners.forEach((listener) => listener());
      await this.#settled(id, async ({ receiving }) => receiving.handleFrame(payload));
      return;
    }
    const { identity, name: guise } = this.#guises.get(id) ?? { identity: this.identity, name: this.name };
    const { sender, publicKey, body } = open(this.room, identity, id ?? kind, payload);
    this.#publicKeys.set(sender, publicKey);
    const { counter, name, fields } = decodeMessage(body);
    this.messages.push({ from: sender, name, fields });
    this.#listeners.forEach((listener) => listener());
    const parcel = fields.parcel && base32(fields.parcel);
    if (name === 'hello') await this.say('alive', this.introduction(guise, identity, counter), { to: sender, as: identity });
    if (name === 'hello' && identity === this.identity) await this.#offerAll(sender);
    else if (name === 'want') await this.#sendings.get(parcel)?.handleWant(sender, fields);
    else if (name === 'complete') await this.#settled(parcel, async ({ receiving, resolve }) => resolve(await receiving.handleComplete(fields)));
  }

  /** @param {string} device that came in */
  async #offerAll(device) {
    for (const { parcel } of this.#sendings.values()) await this.say('offer', parcel.offer(this.identity), { to: device });
  }

  /**
   * Lets a parcel that is being received go on; what goes wrong is for whoever waits for it.
   * @param {string} parcel
   * @param {(entry: { receiving: Receiving, resolve: (files: import('./member/parcel.mjs').File[]) => void }) => Promise<void>} act
   */
  async #settled(parcel, act) {
    const entry = this.#receivings.get(parcel);
    if (entry) await act(entry).catch(entry.reject);
  }
}
