// A transfer that is about to be interrupted, and whose sender's every byte is counted.

import { SOCKET_FAILED } from './browser.mjs';
import { KIB, MIB } from './files.mjs';
import { onItsWay, pairBehindProxies } from './on-its-way.mjs';
import { startStation } from './station.mjs';
import { sendFrom, Tabs } from './tabs.mjs';

/** Slow enough for what is under way to be little: the sender's window follows the round trip's time. */
const BYTES_A_SECOND = 8 * MIB;
/**
 * So slow in the end that the sender's window is full: what it sends next waits for an
 * acknowledgement. Even the longest frame still takes less than the sender waits at least.
 */
const CRAWLING = MIB;
/** How much a proxy passes on at once, in bytes. */
const CHUNK = 64 * KIB;
/** The file's length. */
export const SIZE = 24 * MIB;
/** So much is held when it is interrupted, at least; in bytes. */
const HELD = 8 * MIB;

/** A transfer between two devices, each behind a proxy of its own. @typedef {Awaited<ReturnType<typeof begun>>} Journey */

/**
 * @param {import('./scenario.mjs').Stage} stage
 * @param {boolean} inATab whether the sender is in a tab that can be frozen
 */
export async function begun(stage, inATab) {
  stage.expectNoise(SOCKET_FAILED, /crashed on purpose/);
  const station = await stage.use(startStation());
  const tabs = inATab ? await stage.use(Tabs.launch()) : undefined;
  const pair = await pairBehindProxies(stage, station.broker, BYTES_A_SECOND, { engine: tabs });
  const { near, far } = pair;
  // What is published is seen at once, and waits only behind that.
  near.proxy.limit = Infinity;
  const transfer = await onItsWay(stage, pair.sender, pair.receiver, SIZE, tabs && { send: (room, path) => sendFrom(room, [path]) });
  const { received } = transfer;
  await received.waitForMiddle(HELD);
  far.proxy.limit = CRAWLING;
  await received.waitForMiddle((await received.progress()).bytes + 2 * CHUNK);

  /** @type {{ published: number, again: number } | undefined} */
  let before;
  /** What had been sent when the interruption began: when this was first called. */
  const interrupted = () => {
    far.proxy.limit = BYTES_A_SECOND;
    return (before ??= { published: near.wire.published, again: near.wire.again });
  };
  near.proxy.onEnd = far.proxy.onEnd = interrupted;
  return { stage, station, tabs, ...pair, ...transfer, interrupted };
}
