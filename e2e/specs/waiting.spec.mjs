// Whom a sender waits for, also after its page was reloaded, and how its user need not.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

/**
 * Cy gets a file whole, and Bo leaves in its middle.
 * @param {import('../lib/scenario.mjs').Stage} stage
 */
async function oneIsAway(stage) {
  const transfer = await inTheMiddle(stage, 8 * MIB);
  const { proxy, sent, receiver } = transfer;
  // Bo is not to be done before Cy has come.
  proxy.limit = MIB;
  const third = await stage.join('Cy');
  const whole = await third.incoming(sent);
  await whole.press('accept');
  await sent.waitForReceiver('Cy', 'active');
  await receiver.byId('leave').click();
  await sent.waitForReceiver('Bo', 'waiting');
  proxy.limit = Infinity;
  await sent.waitForReceiver('Cy', 'done');
  return { ...transfer, third, whole };
}

/**
 * The sender's page is loaded anew, and its user chooses the file again.
 * @param {Awaited<ReturnType<typeof oneIsAway>>} transfer
 */
async function reloadSender({ proxy, file, sender, sent, whole }) {
  await sender.reload();
  await sent.waitForReceiver('Bo', 'waiting');
  await sent.byId('choose-again').setInputFiles(file.path);
  await sent.waitForReceiver('Cy', 'done');
  await whole.waitForState('done');
  await sent.waitForReceiver('Bo', 'waiting');
}

/**
 * Nothing is asked of the sender after another reload.
 * @param {Awaited<ReturnType<typeof oneIsAway>>} transfer
 */
async function isOver({ proxy, sender, sent }) {
  const room = await sender.reload();
  await room.waitForPeer('Cy');
  assert.equal(await sent.root.count(), 0, 'it is kept no longer than somebody is waited for');
}

scenario('who is away while the page of its sender is reloaded twice is not forgotten', async (stage) => {
  const transfer = await oneIsAway(stage);
  const { file, sent, receiver, received, whole } = transfer;
  await reloadSender(transfer);
  await reloadSender(transfer);
  await receiver.join({ key: KEY, name: 'Bo' });
  await received.waitForState('paused');
  await received.press('resume');
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);
  await assertSaved(whole, [file]);
  await isOver(transfer);
});

scenario('the user of a sender stops waiting for who is away, and only for that one', async (stage) => {
  const transfer = await oneIsAway(stage);
  const { sent } = transfer;
  await reloadSender(transfer);
  const stop = sent.byId('forget-receiver');
  assert.equal(await stop.count(), 1);
  assert.equal(await stop.getAttribute('aria-label'), 'Stop waiting for Bo');
  await stop.click();
  await sent.waitForState('done');
  assert.equal(await sent.byId('receiver').count(), 1);
  await sent.waitForReceiver('Cy', 'done');
  await isOver(transfer);
});
