// A transfer that is caught in its middle, on both sides, and goes on from there.

import assert from 'node:assert/strict';
import { assertSaved } from './contents.mjs';
import { MIB } from './files.mjs';
import { onItsWay } from './on-its-way.mjs';
import { proxyTo } from './proxy.mjs';
import { steady } from './steady.mjs';

/** Slow enough to act in the middle of a transfer. */
const BYTES_A_SECOND = 5 * MIB;

/** The file's length. */
export const SIZE = 24 * MIB;

/**
 * How fast it goes on, in bytes a second: what is under way goes out again when a device stands still
 * for a moment, and at full speed that would be a lot.
 */
export const BRISK = 16 * MIB;

/** So much may be sent again besides; in bytes. */
export const SLACK = MIB;

/** So much is held where it matters that it is not sent again; in bytes. */
export const HELD = 8 * MIB;

/**
 * Sends a file slowly and waits until a part of it has arrived.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {number} [atLeast] bytes
 * @param {object} [how]
 * @param {(sender: import('./room.mjs').Room, path: string) => Promise<import('./transfer.mjs').Transfer>} [how.send] what its sender does
 * @param {import('./scenario.mjs').How} [how.from] the sender's window
 * @param {import('./scenario.mjs').How} [how.to] the receiver's
 */
export async function inTheMiddle(stage, atLeast = MIB, { send, from, to = {} } = {}) {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {}, from, to);
  const { file, sent, received } = await onItsWay(stage, sender, receiver, SIZE, { send });
  await Promise.all([sent.waitForMiddle(atLeast), received.waitForMiddle(atLeast)]);
  return { proxy, file, sender, sent, receiver, received };
}

/**
 * Goes on with an interrupted transfer, and checks that only what was lacking is sent.
 * @param {Awaited<ReturnType<typeof inTheMiddle>>} transfer
 * @param {() => Promise<void>} [goOn] what the user does, if it stands still
 * @returns how many bytes were sent
 */
export async function onlyTheRestIsSent({ proxy, file, sent, received }, goOn) {
  // What was under way is no part of the rest: it was sent before.
  const before = goOn ? await steady(() => proxy.up) : proxy.up;
  const { bytes } = await received.progress();
  assert.ok(bytes >= HELD, `${bytes} bytes are held`);
  proxy.limit = BRISK;
  await goOn?.();
  await received.waitForState('done');
  await sent.waitForState('done');
  const again = proxy.up - before;
  assert.ok(again <= (SIZE - bytes) * 1.05 + SLACK, `${again} bytes were sent for the ${SIZE - bytes} that were lacking`);
  await assertSaved(received, [file]);
  return again;
}
