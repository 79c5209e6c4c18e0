// A transfer that is caught in its middle, on both sides.

import { MIB } from './files.mjs';
import { onItsWay } from './on-its-way.mjs';
import { proxyTo } from './proxy.mjs';

/** Slow enough to act in the middle of a transfer. */
const BYTES_A_SECOND = 5 * MIB;

/** The file's length. */
export const SIZE = 24 * MIB;

/**
 * Sends a file slowly and waits until a part of it has arrived.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {number} [atLeast] bytes
 * @param {(sender: import('./room.mjs').Room, path: string) => Promise<import('./transfer.mjs').Transfer>} [send] what its sender does
 */
export async function inTheMiddle(stage, atLeast = MIB, send) {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const { file, sent, received } = await onItsWay(stage, sender, receiver, SIZE, { send });
  await Promise.all([sent.waitForMiddle(atLeast), received.waitForMiddle(atLeast)]);
  return { proxy, file, sender, sent, receiver, received };
}
