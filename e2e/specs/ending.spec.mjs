// Declining, pausing and cancelling take effect on both sides.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('a declined offer is shown as declined on both sides', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const file = await stage.file('unwanted.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('decline');
  await received.waitForState('declined');
  await sent.waitForReceiver('Bo', 'declined');
  assert.equal((await received.progress()).bytes, 0);
});

scenario('the receiver can cancel in the middle', async (stage) => {
  const { sent, received } = await inTheMiddle(stage);
  await received.press('cancel');
  await received.waitForState('cancelled');
  await sent.waitForReceiver('Bo', 'cancelled');
});

scenario('the sender can cancel in the middle', async (stage) => {
  const { sent, received } = await inTheMiddle(stage);
  await sent.press('cancel');
  await Promise.all([sent.waitForState('cancelled'), received.waitForState('cancelled')]);
});

for (const side of /** @type {const} */ (['sender', 'receiver'])) {
  scenario(`the ${side} can pause in the middle and go on`, async (stage) => {
    const { proxy, file, sent, received } = await inTheMiddle(stage);
    const here = side === 'sender' ? sent : received;
    await here.press('pause');
    await received.waitForState('paused');
    await sent.waitForReceiver('Bo', 'paused');
    const there = here === sent ? received : sent;
    await there.byId('transfer-error').filter({ hasText: `Paused by the ${side}` }).waitFor();
    assert.equal(await there.byId('resume').count(), 0, 'who did not pause it cannot let it go on');
    proxy.limit = Infinity;
    await here.press('resume');
    await received.waitForState('done');
    await sent.waitForState('done');
    await assertSaved(received, [file]);
  });
}

scenario('a finished transfer can be taken off the list', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const sent = await sender.sendText('read and remove');
  const received = await receiver.incoming(sent);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  await received.press('remove');
  await received.root.waitFor({ state: 'detached' });
  await sent.press('remove');
  await sent.root.waitFor({ state: 'detached' });
  assert.deepEqual([await sender.parcels('out'), await receiver.parcels('in')], [[], []]);
});
