// What every engine must do when a page is reloaded in the middle of a transfer.

import assert from 'node:assert/strict';
import { assertSaved } from '../contents.mjs';
import { HELD, inTheMiddle, onlyTheRestIsSent, SIZE } from '../in-the-middle.mjs';
import { scenario } from '../scenario.mjs';
import { hasFileStorage, SOCKET_FAILED } from './in-common.mjs';

/** Typing, reading back and reconnecting take some engines a while; in milliseconds. */
const LONG = { timeout: 240_000 };

/**
 * Declares the tests of one engine.
 * @param {string} name the engine's
 * @param {() => import('./page.mjs').Engine} engine read when a test runs
 */
export function goesOnAfterReloads(name, engine) {
  scenario(`${name} as the receiver, reloaded, goes on from what it holds; without file storage it is offered all again`, async (stage) => {
    stage.expectNoise(SOCKET_FAILED);
    const transfer = await inTheMiddle(stage, HELD, { to: { engine: engine() } });
    const { receiver, received } = transfer;
    const keeps = await hasFileStorage(receiver);
    if (!keeps) assert.match(await receiver.byId('storage-notice').innerText(), /gone after a reload/);
    await receiver.reload();
    if (keeps) {
      await received.waitForState('paused');
      assert.match(await received.describe(), /Not finished when this page was closed/);
      await onlyTheRestIsSent(transfer, () => received.press('resume'));
    } else {
      await allIsSentAgain(transfer);
    }
  }, LONG);

  scenario(`${name} as the sender, reloaded, goes on with the same file; without file storage it sends it anew`, async (stage) => {
    stage.expectNoise(SOCKET_FAILED);
    const transfer = await inTheMiddle(stage, HELD, { from: { engine: engine() } });
    const { proxy, file, sender, sent, receiver, received } = transfer;
    const keeps = await hasFileStorage(sender);
    await sender.reload();
    if (keeps) {
      await received.waitForState('waiting');
      await sent.waitForState('waiting');
      assert.match(await sent.describe(), /needs the same files again/);
      await onlyTheRestIsSent(transfer, () => sent.byId('choose-again').setInputFiles(file.path));
      await sent.waitForReceiver('Bo', 'done');
    } else {
      await sender.waitForPeer('Bo');
      assert.equal(await sent.root.count(), 0, 'it is forgotten');
      proxy.limit = Infinity;
      const anew = await sender.sendFiles([file.path]);
      const whole = await receiver.incoming(anew);
      await whole.press('accept');
      await whole.waitForState('done');
      await anew.waitForState('done');
      await assertSaved(whole, [file]);
    }
  }, LONG);
}

/**
 * Nothing was kept: the offer still stands, and once it is accepted every byte comes.
 * @param {Awaited<ReturnType<typeof inTheMiddle>>} transfer
 */
async function allIsSentAgain({ proxy, file, sent, received }) {
  await received.root.waitFor();
  assert.deepEqual(await received.progress(), { bytes: 0, total: SIZE, state: 'offered' });
  const before = proxy.up;
  proxy.limit = Infinity;
  await received.press('accept');
  await received.waitForState('done');
  // Nobody can tell that this is who was there before, so that one is waited for as well.
  await sent.waitForReceiver('Bo', 'done');
  assert.ok(proxy.up - before >= SIZE, `${proxy.up - before} bytes were sent`);
  await assertSaved(received, [file]);
}
