// A tab that is not looked at goes on, and one that the browser froze goes on when it is woken.

import assert from 'node:assert/strict';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { BLOCK } from '../lib/member/parcel.mjs';
import { onItsWay } from '../lib/on-its-way.mjs';
import { scenario } from '../lib/scenario.mjs';
import { sendFrom, Tabs } from '../lib/tabs.mjs';
import { wireTo } from '../lib/wire.mjs';

/** Slow enough to act in the middle of a transfer. */
const BYTES_A_SECOND = 5 * MIB;
const SIZE = 16 * MIB;

/**
 * A file in its middle, through a proxy, to or from a tab that can be hidden.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {'sender' | 'receiver'} side which one has the tab, and the proxy
 */
async function inATab(stage, side) {
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
  return { tabs, proxy, wire, tab, file, sent, received, told };
}

for (const side of /** @type {const} */ (['sender', 'receiver'])) {
  scenario(`a ${side} whose tab is hidden gets through, also when the connection breaks`, async (stage) => {
    const { tabs, proxy, tab, file, sent, received, told } = await inATab(stage, side);
    await tabs.hide(tab.page);
    const { bytes, total } = await received.progress();
    assert.ok(bytes < total, 'it is hidden in the middle');
    proxy.cut();
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    assert.ok(proxy.connections > 1, 'it came back');
    assert.deepEqual(await told(), ['hidden'], 'nobody looked at it meanwhile');
    await tab.page.bringToFront();
    await assertSaved(received, [file]);
  });
}

scenario('a sender whose tab is frozen goes on when it is woken', async (stage) => {
  const { tabs, wire, tab, file, sent, received, told } = await inATab(stage, 'sender');
  await tabs.freeze(tab.page);
  // All that it had said by then, of which one block is the manifest.
  await received.waitForMiddle(wire.published - BLOCK);
  assert.deepEqual(await told(), ['hidden', 'freeze'], 'it is frozen');
  await tabs.wake(tab.page);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.deepEqual(await told(), ['hidden', 'freeze', 'resume', 'visible']);
  await assertSaved(received, [file]);
});

scenario('a receiver whose tab is frozen until the sender gives it up goes on when it is woken', async (stage) => {
  const { tabs, tab, file, sent, received, told } = await inATab(stage, 'receiver');
  await tabs.freeze(tab.page);
  await sent.waitForReceiver('Bo', 'waiting');
  assert.deepEqual(await told(), ['hidden', 'freeze'], 'it is frozen');
  await tabs.wake(tab.page);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.deepEqual(await told(), ['hidden', 'freeze', 'resume', 'visible']);
  await assertSaved(received, [file]);
});
