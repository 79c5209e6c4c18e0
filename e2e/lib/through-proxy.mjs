// A file that goes through one proxy, which lets things go wrong.

import { SOCKET_FAILED } from './browser.mjs';
import { assertSaved } from './contents.mjs';
import { MIB } from './files.mjs';
import { onItsWay } from './on-its-way.mjs';
import { proxyTo } from './proxy.mjs';

/** Slow enough to begin with faults before all has passed, in bytes a second. */
const AT_FIRST = 8 * MIB;

/**
 * A file on its way, through one proxy before both devices.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {number} size in bytes
 */
export async function throughProxy(stage, size) {
  stage.expectNoise(SOCKET_FAILED);
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = AT_FIRST;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker });
  return { proxy, sender, receiver, ...(await onItsWay(stage, sender, receiver, size)) };
}

/**
 * Waits until both sides are done and compares what is saved.
 * @param {{ file: import('./files.mjs').MadeFile, sent: import('./transfer.mjs').Transfer, received: import('./transfer.mjs').Transfer }} journey
 * @param {number} milliseconds
 */
export async function arrived({ file, sent, received }, milliseconds) {
  await Promise.all([received.waitForState('done', milliseconds), sent.waitForState('done', milliseconds)]);
  await assertSaved(received, [file]);
}
