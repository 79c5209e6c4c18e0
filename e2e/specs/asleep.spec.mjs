// A computer that slept until the broker gave it up goes on by itself, and so does one whose clock is set.

import assert from 'node:assert/strict';
import { sleepOf } from '../lib/asleep.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { inATab } from '../lib/in-a-tab.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { scenario } from '../lib/scenario.mjs';

/**
 * How long others may take to hear that one is gone, in milliseconds. A broker waits for one and a
 * half keep-alives of 30 s (MQTT 5, section 3.1.2.10), and then for 10 s until it tells.
 */
const GIVEN_UP = 90_000;
/** From waking until the file must be there, in milliseconds. */
const RECOVERY = 90_000;

scenario('a receiver whose computer sleeps until the broker gives it up goes on by itself when it wakes', async (stage) => {
  const { tabs, proxy, tab, other, file, sent, received } = await inATab(stage, 'receiver');
  await tab.page.evaluate(() => {
    const stood = Object.assign(window, { stood: 0 });
    let last = performance.now();
    setInterval(() => {
      stood.stood = Math.max(stood.stood, performance.now() - last);
      last = performance.now();
    });
  });
  proxy.limit = MIB;
  const sleep = await stage.use(sleepOf(tabs.pid));
  const began = performance.now();
  assert.ok(sleep.processes > 2, 'the page and what carries its bytes sleep as well');
  await other.waitForPeerGone('Bo', GIVEN_UP);
  await sent.waitForReceiver('Bo', 'waiting');
  const { bytes, total } = await sent.progress();
  assert.ok(bytes < total, 'it sleeps in the middle');
  assert.equal(proxy.connections, 1, 'it does not come back in its sleep');
  const slept = performance.now() - began;
  proxy.limit = Infinity;
  await sleep.stop();
  await Promise.all([received.waitForState('done', RECOVERY), sent.waitForState('done', RECOVERY)]);
  const stood = await tab.page.evaluate(() => Object(window).stood);
  assert.ok(stood >= slept, `its clock jumped by ${stood} ms in ${slept} ms of sleep`);
  assert.ok(proxy.connections > 1, 'it came back');
  await other.waitForPeer('Bo');
  await assertSaved(received, [file]);
}, { timeout: 300_000 });

const HOURS = 3_600_000;

for (const hours of [3, -3]) {
  scenario(`a transfer goes on when the clocks of both computers are set ${Math.abs(hours)} hours ${hours > 0 ? 'ahead' : 'back'}`, async (stage) => {
    const { proxy, file, sender, sent, receiver, received } = await inTheMiddle(stage);
    proxy.limit = MIB;
    for (const room of [sender, receiver]) {
      const workers = [await room.worker('engine'), await room.worker('socket')];
      for (const place of /** @type {import('playwright-core').Page[]} */ ([room.page, ...workers])) {
        const shown = await place.evaluate((by) => {
          const { now } = Date;
          class Moved extends Date {
            static now() {
              return now() + by;
            }
            constructor(given = now() + by) {
              super(given);
            }
          }
          Object.assign(globalThis, { Date: Moved });
          return [Date.now(), new Date().getTime()];
        }, hours * HOURS);
        for (const time of shown) {
          assert.ok(Math.abs(time - Date.now() - hours * HOURS) < HOURS, `it is ${new Date(time).toISOString()} there`);
        }
      }
    }
    const { bytes, total } = await received.progress();
    assert.ok(bytes < total, 'they are set in the middle');
    proxy.limit = Infinity;
    // It is found again after a broken connection as well.
    proxy.cut();
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    assert.ok(proxy.connections > 1, 'it came back');
    await assertSaved(received, [file]);
  });
}
