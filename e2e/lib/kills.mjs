// A file that arrives though its broker is killed again and again.

import { SOCKET_FAILED } from './browser.mjs';
import { assertSaved } from './contents.mjs';
import { MIB } from './files.mjs';
import { onItsWay } from './on-its-way.mjs';
import { proxyTo } from './proxy.mjs';

/** Slow enough for every kill to come in the middle: bytes a second. */
const SLOW = 8 * MIB;

/**
 * Sends a file through a broker that is killed without warning, forgets everything and is started again.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {Promise<{ broker: string, kill: () => Promise<void>, restart: () => Promise<void>, stop: () => Promise<unknown> }>} starting
 *   the broker
 * @param {{ kills: number, step: number, size: number, patience: number }} course how often it is killed, how many bytes
 *   arrive before each time at least, of how many; and how long the rest may take, in milliseconds
 */
export async function survivesKills(stage, starting, { kills, step, size, patience }) {
  stage.expectNoise(SOCKET_FAILED);
  const broker = await stage.use(starting);
  const proxy = await stage.use(proxyTo(broker.broker));
  proxy.limit = SLOW;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, { broker: broker.broker });
  const { file, sent, received } = await onItsWay(stage, sender, receiver, size, { name: 'stubborn.bin' });
  for (let kill = 0; kill < kills; kill += 1) {
    await received.waitForMiddle((await received.progress()).bytes + step);
    await broker.kill();
    await broker.restart();
  }
  proxy.limit = Infinity;
  await Promise.all([received.waitForState('done', patience), sent.waitForState('done', patience)]);
  await assertSaved(received, [file]);
}
