// A file that was offered and accepted, and has all of its way before it.

import { wireTo } from './wire.mjs';

/** @typedef {import('./room.mjs').Room} Room */
/** @typedef {import('./scenario.mjs').Stage} Stage */

/**
 * Sends a file and accepts it.
 * @param {Stage} stage
 * @param {Room} sender
 * @param {Room} receiver
 * @param {number} size in bytes
 * @param {{ name?: string, send?: (sender: Room, path: string) => Promise<import('./transfer.mjs').Transfer> }} [how]
 *   the file's name, and what its sender does
 */
export async function onItsWay(stage, sender, receiver, size, { name = 'long.bin', send = (from, path) => from.sendFiles([path]) } = {}) {
  const file = await stage.file(name, size);
  const sent = await send(sender, file.path);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  return { file, sent, received };
}

/**
 * Two devices, each behind a proxy of its own.
 * @param {Stage} stage
 * @param {string} broker its WebSocket address
 * @param {number} limit of either proxy, in bytes a second
 * @param {import('./scenario.mjs').How} [from] the sender's window
 */
export async function pairBehindProxies(stage, broker, limit, from = {}) {
  const [near, far] = [await wireTo(stage, broker), await wireTo(stage, broker)];
  near.proxy.limit = far.proxy.limit = limit;
  const [sender, receiver] = await stage.pair({ broker: near.proxy.broker }, { broker: far.proxy.broker }, from, {});
  return { near, far, sender, receiver };
}
