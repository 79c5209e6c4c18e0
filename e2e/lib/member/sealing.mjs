// Envelopes and data frames, from docs/PROTOCOL.md alone.

import { randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha';
import { ed25519 } from '@noble/curves/ed25519';
import { blake3 } from '@noble/hashes/blake3';
import { base32, idOf } from './keys.mjs';

/** @typedef {import('./keys.mjs').Identity} Identity */
/** @typedef {import('./keys.mjs').RoomKeys} RoomKeys */

const VERSION = 1;
const NONCE = 24;
const PUBLIC = 32;
const SIGNATURE = 64;
/** Version, kind, sender. */
const HEAD = 12;
/** Version, kind, first block, count, send time. */
const FRAME_HEAD = 16;

/** To the room, to one device; blocks, blocks and a signature. */
const [TO_ROOM, TO_DEVICE] = [0, 1];
/** Bits of a frame's kind. */
const [PLAIN, SIGNED, PIECE] = [0, 1, 2];
/** Bytes by which the head of a piece is longer: where in the frame it belongs. */
const PIECE_PLACE = 4;

/**
 * Seals a message to everyone in the room.
 * @param {RoomKeys} room
 * @param {Identity} sender
 * @param {Uint8Array} body
 * @param {{ version?: number }} [lie]
 */
export function sealToRoom(room, sender, body, { version = VERSION } = {}) {
  const head = Buffer.from([version, TO_ROOM, ...sender.id]);
  const signature = sender.sign(messageText(head, 'c', body));
  return envelope(room, head, 'c', Buffer.concat([sender.publicKey, signature, body]));
}

/**
 * Seals a message that only one device can read.
 * @param {RoomKeys} room
 * @param {Identity} sender
 * @param {Uint8Array} publicKey the recipient's
 * @param {Uint8Array} body
 */
export function sealToDevice(room, sender, publicKey, body) {
  const head = Buffer.from([VERSION, TO_DEVICE, ...sender.id]);
  const recipient = idOf(publicKey);
  const inner = seal(sender.pairKey(publicKey), Buffer.concat([sender.id, recipient]), body);
  return envelope(room, head, base32(recipient), Buffer.concat([sender.publicKey, inner]));
}

/**
 * A message that was opened.
 * @typedef {{ sender: string, publicKey: Uint8Array, body: Uint8Array }} Opened
 */

/**
 * Opens a message that came on the topic with this last part; throws if that does not go.
 * @param {RoomKeys} room
 * @param {Identity} me
 * @param {string} tail
 * @param {Uint8Array} payload
 * @returns {Opened}
 */
export function open(room, me, tail, payload) {
  const { head, inner } = openEnvelope(room, tail, payload);
  const publicKey = inner.subarray(0, PUBLIC);
  const sender = head.subarray(2);
  if (!Buffer.from(idOf(publicKey)).equals(sender)) throw new Error('a sender has the id of its key');
  if (head[1] === TO_DEVICE) {
    const body = unseal(me.pairKey(publicKey), Buffer.concat([sender, me.id]), inner.subarray(PUBLIC));
    return { sender: base32(sender), publicKey, body };
  }
  const [signature, body] = [inner.subarray(PUBLIC, PUBLIC + SIGNATURE), inner.subarray(PUBLIC + SIGNATURE)];
  if (!ed25519.verify(signature, messageText(head, tail, body), publicKey)) throw new Error('a sender signs what it says to the room');
  return { sender: base32(sender), publicKey, body };
}

/**
 * What everyone who has the room's key can do with somebody's message: seal the same content anew,
 * for another topic as well.
 * @param {RoomKeys} room
 * @param {string} tail where it was seen
 * @param {Uint8Array} payload
 * @param {string} [toTail]
 */
export function resealed(room, tail, payload, toTail = tail) {
  const { head, inner } = openEnvelope(room, tail, payload);
  return envelope(room, head, toTail, inner);
}

/**
 * Which blocks a frame carries, and when it was sent.
 * @typedef {{ first: number, count: number, sent: number }} FrameHead
 */

/** Who signs a frame: a parcel's secret key and its sender's id. @typedef {{ secret: Uint8Array, sender: Uint8Array }} Signer */

/**
 * Seals a data frame, plain, or signed with the parcel's secret key.
 * @param {{ parcel: Uint8Array, contentKey: Uint8Array }} offer
 * @param {FrameHead} frame
 * @param {Uint8Array} blocks
 * @param {Signer} [signer]
 */
export function sealFrame({ parcel, contentKey }, { first, count, sent }, blocks, signer) {
  const head = Buffer.alloc(FRAME_HEAD);
  head.set([VERSION, signer ? SIGNED : PLAIN]);
  head.writeUInt32BE(first, 2);
  head.writeUInt16BE(count, 6);
  head.writeBigUInt64BE(BigInt(sent), 8);
  const signature = signer ? ed25519.sign(frameText(parcel, signer.sender, head, blocks), signer.secret) : new Uint8Array();
  return Buffer.concat([head, seal(contentKey, Buffer.concat([head, parcel]), Buffer.concat([blocks, signature]))]);
}

/**
 * Opens a data frame or a piece of one; throws if that does not go.
 * @param {{ parcel: Uint8Array, contentKey: Uint8Array, parcelKey: Uint8Array }} offer
 * @param {Uint8Array} sender its id
 * @param {Buffer} payload
 * @returns {FrameHead & { blocks: Uint8Array, piece?: number }} `piece`: where in the frame's blocks these bytes belong
 */
export function openFrame({ parcel, contentKey, parcelKey }, sender, payload) {
  const isPiece = (payload[1] & PIECE) !== 0;
  const length = FRAME_HEAD + (isPiece ? PIECE_PLACE : 0);
  const head = payload.subarray(0, length);
  let blocks = unseal(contentKey, Buffer.concat([head, parcel]), payload.subarray(length));
  if (head[1] & SIGNED) {
    const signature = blocks.subarray(-SIGNATURE);
    blocks = blocks.subarray(0, -SIGNATURE);
    if (!ed25519.verify(signature, frameText(parcel, sender, head, blocks), parcelKey)) throw new Error("a frame is signed with the parcel's key");
  }
  return { first: head.readUInt32BE(2), count: head.readUInt16BE(6), sent: Number(head.readBigUInt64BE(8)), blocks, piece: isPiece ? head.readUInt32BE(FRAME_HEAD) : undefined };
}

/**
 * @param {RoomKeys} room
 * @param {Uint8Array} head
 * @param {string} tail
 * @param {Uint8Array} inner
 */
function envelope(room, head, tail, inner) {
  return Buffer.concat([head, seal(room.key, Buffer.concat([head, Buffer.from(tail)]), inner)]);
}

/**
 * @param {RoomKeys} room
 * @param {string} tail
 * @param {Uint8Array} payload
 */
function openEnvelope(room, tail, payload) {
  const head = payload.subarray(0, HEAD);
  return { head, inner: unseal(room.key, Buffer.concat([head, Buffer.from(tail)]), payload.subarray(HEAD)) };
}

/**
 * Nonce, ciphertext and tag.
 * @param {Uint8Array} key
 * @param {Uint8Array} associated
 * @param {Uint8Array} plain
 */
function seal(key, associated, plain) {
  const nonce = randomBytes(NONCE);
  return Buffer.concat([nonce, xchacha20poly1305(key, nonce, associated).encrypt(plain)]);
}

/**
 * @param {Uint8Array} key
 * @param {Uint8Array} associated
 * @param {Uint8Array} sealed
 */
function unseal(key, associated, sealed) {
  return xchacha20poly1305(key, sealed.subarray(0, NONCE), associated).decrypt(sealed.subarray(NONCE));
}

/**
 * @param {Uint8Array} head
 * @param {string} tail
 * @param {Uint8Array} body
 */
function messageText(head, tail, body) {
  return Buffer.concat([Buffer.from('mqdrop message to a room\0'), head, Buffer.from(tail), body]);
}

/**
 * @param {Uint8Array} parcel
 * @param {Uint8Array} sender
 * @param {Uint8Array} head
 * @param {Uint8Array} blocks
 */
function frameText(parcel, sender, head, blocks) {
  return Buffer.concat([Buffer.from('mqdrop data frame\0'), parcel, sender, head, blake3(blocks)]);
}
