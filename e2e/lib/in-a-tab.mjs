// A transfer that is caught in its middle, one side of it in a tab as people have them.

import { SOCKET_FAILED } from './browser.mjs';
import { MIB } from './files.mjs';
import { onItsWay } from './on-its-way.mjs';
import { sendFrom, Tabs } from './tabs.mjs';
import { wireTo } from './wire.mjs';

/** Slow enough to act in the middle of a transfer, on a busy machine as well. */
const BYTES_A_SECOND = 2 * MIB;
/** The file's length. */
export const SIZE = 32 * MIB;

/**
 * A file in its middle, through a proxy, to or from a tab that can be hidden.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {'sender' | 'receiver'} side which one has the tab, and the proxy
 */
export async function inATab(stage, side) {
  stage.expectNoise(SOCKET_FAILED);
  const tabs = await stage.use(Tabs.launch());
  const { proxy, wire } = await wireTo(stage, stage.station.broker);
  proxy.limit = BYTES_A_SECOND;
  const [tab, other] = await Promise.all([
    stage.join('Bo', { broker: proxy.broker }, { engine: tabs }),
    stage.join('Ada'),
  ]);
  await Promise.all([tab.waitForPeer('Ada'), other.waitForPeer('Bo')]);
  const { file, sent, received } = await (side === 'sender'
    ? onItsWay(stage, tab, other, SIZE, { send: (room, path) => sendFrom(room, [path]) })
    : onItsWay(stage, other, tab, SIZE));
  await received.waitForMiddle(2 * MIB);
  /** What the page was told, one after the other. @returns {Promise<string[]>} */
  const told = () => tab.page.evaluate(() => Object(window).told);
  await tab.page.evaluate(() => {
    const told = Object.assign(window, { told: /** @type {string[]} */ ([]) }).told;
    for (const event of ['visibilitychange', 'freeze', 'resume']) {
      document.addEventListener(event, () => told.push(event === 'visibilitychange' ? document.visibilityState : event));
    }
  });
  return { tabs, proxy, wire, tab, other, file, sent, received, told };
}
