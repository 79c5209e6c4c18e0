// A tab that is not looked at goes on, and one that the browser froze goes on when it is woken.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { inATab, SIZE } from '../lib/in-a-tab.mjs';
import { BLOCK } from '../lib/member/parcel.mjs';
import { scenario } from '../lib/scenario.mjs';
import { ticksOf } from '../lib/ticks.mjs';

/** How often a timer of a page that is seen rings until it is clear what happens to the other one's. */
const TICKS = 60;
/** Of a hidden page it may ring so often meanwhile. */
const FEW = TICKS / 4;

for (const side of /** @type {const} */ (['sender', 'receiver'])) {
  scenario(`a ${side} whose tab is hidden gets through, also when the connection breaks`, async (stage) => {
    const { tabs, proxy, tab, other, file, sent, received, told } = await inATab(stage, side);
    proxy.limit = MIB;
    await tabs.hide(tab.page);
    const [hidden, seen] = await Promise.all([ticksOf(tab.page), ticksOf(other.page)]);
    const before = await received.progress();
    await seen.wait(TICKS);
    const ticks = await hidden.count();
    assert.ok(ticks <= FEW, `its timers are slow: one rang ${ticks} times, of a page that is seen ${await seen.count()} times`);
    const { bytes, total } = await received.progress();
    assert.ok(bytes > before.bytes && bytes < total, 'its transfer goes on meanwhile');
    proxy.cut();
    proxy.limit = Infinity;
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    assert.ok(proxy.connections > 1, 'it came back');
    assert.deepEqual(await told(), ['hidden'], 'nobody looked at it meanwhile');
    await tab.page.bringToFront();
    await assertSaved(received, [file]);
  });
}

scenario('a sender whose tab is frozen goes on when it is woken', async (stage) => {
  const { tabs, proxy, wire, tab, other, file, sent, received, told } = await inATab(stage, 'sender');
  proxy.limit = MIB;
  await tabs.freeze(tab.page);
  // All that it had said by then, of which one block is the manifest.
  await received.waitForMiddle(wire.published - BLOCK);
  assert.deepEqual(await told(), ['hidden', 'freeze'], 'it is frozen');
  // What its browser had taken to send still goes out.
  const ticks = await ticksOf(other.page);
  let published;
  do {
    ({ published } = wire);
    await ticks.wait(TICKS);
  } while (wire.published > published);
  // For others time goes on, and what they say to each other arrives.
  const third = await stage.join('Cy');
  await third.waitForPeer('Ada');
  await ticks.wait(TICKS);
  const text = await third.sendText('meanwhile');
  await (await other.incoming(text)).waitForState('done');
  assert.equal(wire.published, published, 'nothing is sent while it is frozen');
  assert.ok(published < SIZE, 'there is more to send');
  proxy.limit = Infinity;
  await tabs.wake(tab.page);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.deepEqual(await told(), ['hidden', 'freeze', 'resume', 'visible']);
  await assertSaved(received, [file]);
});

scenario('a receiver whose tab is frozen until the sender gives it up goes on when it is woken', async (stage) => {
  const { tabs, proxy, tab, file, sent, received, told } = await inATab(stage, 'receiver');
  proxy.limit = MIB;
  await tabs.freeze(tab.page);
  await sent.waitForReceiver('Bo', 'waiting');
  assert.deepEqual(await told(), ['hidden', 'freeze'], 'it is frozen');
  proxy.limit = Infinity;
  await tabs.wake(tab.page);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.deepEqual(await told(), ['hidden', 'freeze', 'resume', 'visible']);
  await assertSaved(received, [file]);
});
