// Mallory: the member that tests let into a room beside windows, and what it does in most of them.

import { createHash, randomBytes } from 'node:crypto';
import { content } from './files.mjs';
import { joinAsMember } from './member.mjs';
import { KEY } from './scenario.mjs';
import { Transfer } from './transfer.mjs';

/** @typedef {import('./scenario.mjs').Stage} Stage */
/** @typedef {import('./room.mjs').Room} Room */
/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {import('./member/keys.mjs').Identity} Identity */
/** @typedef {import('./member/messages.mjs').Fields} Fields */
/** @typedef {import('./member/parcel.mjs').Parcel} Parcel */

/** What the member calls itself. */
export const MALLORY = 'Mallory';

/** @param {Stage} stage */
export function join(stage) {
  return stage.use(joinAsMember(stage.station, { key: KEY, name: MALLORY }));
}

/**
 * Waits until windows have handled all that a member said so far: what one client publishes arrives
 * in its order, and another name is seen at once.
 * @param {Member} member
 * @param {Room[]} rooms
 * @param {{ identity: Identity, name: string }} [as] who they listen to
 */
export async function handled(member, rooms, { identity, name } = { identity: member.identity, name: MALLORY }) {
  const marker = `Marker ${randomBytes(8).toString('hex')}`;
  for (const next of [marker, name]) {
    await member.say('alive', member.introduction(next, identity), { as: identity });
    await Promise.all(rooms.map((room) => room.waitForPeer(next)));
  }
}

/**
 * A file of a parcel, whose content follows from its name and size.
 * @param {string} path
 * @param {number} size
 */
export function fileOf(path, size) {
  return { path, bytes: Buffer.concat([...content(path, size)]) };
}

/**
 * Files as they are when they are saved.
 * @param {import('../lib/member/parcel.mjs').File[]} files
 */
export function hashes(files) {
  return files.map(({ bytes }) => ({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }));
}

/**
 * Sends a member's parcel to a window and accepts it there.
 * @param {Member} member
 * @param {Room} room
 * @param {Parcel} parcel
 * @param {Fields} [lies] in its offer
 */
export async function accepted(member, room, parcel, lies) {
  await member.share(parcel, lies);
  const received = new Transfer(room.page, parcel.name);
  await received.press('accept');
  return received;
}

/**
 * Whether a message is about a parcel.
 * @param {Parcel} parcel
 * @returns {(heard: { fields: Fields }) => boolean}
 */
export function about({ id }) {
  return ({ fields }) => fields.parcel !== undefined && id.equals(fields.parcel);
}
