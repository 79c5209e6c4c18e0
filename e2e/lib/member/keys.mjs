// Keys, from docs/PROTOCOL.md alone: what a room's key opens, and who a device is.

import { randomBytes } from 'node:crypto';
import { ed25519, x25519 } from '@noble/curves/ed25519';
import { argon2id } from '@noble/hashes/argon2';
import { blake3 } from '@noble/hashes/blake3';
import { hkdf } from '@noble/hashes/hkdf';
import { sha256 } from '@noble/hashes/sha2';

const PROTOCOL = Buffer.from('mqdrop/1');

/** What a room's key opens. @typedef {{ id: Uint8Array, room: string, key: Uint8Array }} RoomKeys */

/** Deriving takes half a second, on purpose. @type {Map<string, RoomKeys>} */
const derived = new Map();

/** What shows nothing. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]|(?!\p{White_Space})\p{Cc}/gu;

/**
 * Brings a typed key into the one form.
 * @param {string} typed
 */
export function normalise(typed) {
  const lower = shown(typed).normalize('NFKC').toLowerCase().normalize('NFKC');
  return shown(lower).replaceAll(/[\p{White_Space}\p{Dash}_]+/gu, '-').replaceAll(/^-|-$/g, '');
}

/** @param {string} text */
function shown(text) {
  return text
    .replaceAll(INVISIBLE, '')
    .replaceAll(/[`\u00b4\u02b9\u02bb-\u02bd\u02c8\u2018-\u201b\u2032\u2035]/g, "'")
    .replaceAll(/[\u02ba\u201c-\u201f\u2033\u2036]/g, '"')
    .replaceAll('\u2800', ' ');
}

/**
 * The room's name in topics, and the key of its messages.
 * @param {string} typed
 * @returns {RoomKeys}
 */
export function openRoom(typed) {
  const normal = normalise(typed);
  let room = derived.get(normal);
  if (!room) {
    const root = argon2id(normal, PROTOCOL, { m: 19 * 1024, t: 2, p: 1, dkLen: 32 });
    const id = expand(root, 'room id', 16);
    room = { id, room: base32(id), key: expand(root, 'room key', 32) };
    derived.set(normal, room);
  }
  return room;
}

/** A device: its key pair, its id, and how many messages it has sent. */
export class Identity {
  secret = randomBytes(32);
  publicKey = ed25519.getPublicKey(this.secret);
  id = idOf(this.publicKey);
  /** The id as topics have it. */
  device = base32(this.id);
  /** Of the newest message. */
  counter = 0;
  /** The counter of its hello to the room. */
  hello = 0;
  #agreeing = ed25519.utils.toMontgomerySecret(this.secret);
  /** The key of its person; each device here is another one. */
  #person = randomBytes(32);
  /** How often its person was named: the newest card counts. */
  #named = 0;

  /** @param {Uint8Array} said */
  sign(said) {
    return ed25519.sign(said, this.secret);
  }

  /**
   * What it says of its person.
   * @param {RoomKeys} room
   * @param {string} name
   */
  card({ id }, name) {
    const named = Buffer.alloc(8);
    named.writeUInt32BE((this.#named += 1), 4);
    const said = Buffer.concat([Buffer.from('mqdrop card\0'), id, this.publicKey, named, Buffer.from(name)]);
    return new Map(
      /** @type {[number, any][]} */ ([
        [0, ed25519.getPublicKey(this.#person)],
        [1, this.#named],
        [2, name],
        [3, ed25519.sign(said, this.#person)],
      ]),
    );
  }

  /**
   * The key this device shares with the owner of a public key.
   * @param {Uint8Array} publicKey
   */
  pairKey(publicKey) {
    const shared = x25519.getSharedSecret(this.#agreeing, ed25519.utils.toMontgomery(publicKey));
    return expand(shared, 'pair key', 32);
  }
}

/** @param {Uint8Array} publicKey */
export function idOf(publicKey) {
  return blake3(publicKey).subarray(0, 10);
}

/**
 * Lower-case base32 of RFC 4648 without padding.
 * @param {Uint8Array} bytes
 */
export function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const fives = bits.match(/.{1,5}/g) ?? [];
  return fives.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/**
 * @param {Uint8Array} secret
 * @param {string} label
 * @param {number} length
 */
function expand(secret, label, length) {
  return hkdf(sha256, secret, PROTOCOL, Buffer.from(label), length);
}
