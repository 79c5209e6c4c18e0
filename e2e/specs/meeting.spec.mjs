// Who is there first does not matter.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

/** Brokers say after ten seconds that somebody is gone without a word. In milliseconds. */
const SOON = 5_000;

scenario('a file sent into an empty room waits for the receiver', async (stage) => {
  const sender = await stage.join('Ada');
  const file = await stage.file('early.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  await sent.waitForState('waiting');

  const received = await (await stage.join('Bo')).incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);
});

scenario('a receiver can be there before the sender', async (stage) => {
  const receiver = await stage.join('Bo');
  const sender = await stage.join('Ada');
  await receiver.waitForPeer('Ada');
  const file = await stage.file('late.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('a muted device is not heard until it is unmuted', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const mute = receiver.byId('person').getByTestId('mute');
  await mute.click();
  await receiver.page.locator('[data-testid="mute"][aria-pressed="true"]').waitFor();
  const file = await stage.file('unheard.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const text = await receiver.sendText('This is for others.');
  await text.waitForState('waiting');
  assert.deepEqual(await receiver.parcels('in'), []);
  await mute.click();
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await text.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('who leaves is no longer shown', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await receiver.byId('leave').click();
  await sender.waitForPeerGone('Bo');
});

scenario('who reloads or closes the window is no longer shown at once', async (stage) => {
  const [ada, bo] = await stage.pair();
  const cleo = await stage.join('Cleo');
  await ada.waitForPeer('Cleo');
  const device = await ada.page.locator('[data-testid="peer"][data-name="Bo"]').getAttribute('data-device');
  await bo.page.reload();
  const before = ada.page.locator(`[data-testid="peer"][data-device="${device}"]`);
  await before.waitFor({ state: 'detached', timeout: SOON });
  await cleo.page.close();
  await ada.waitForPeerGone('Cleo', SOON);
});

scenario('two transfers at a time go both ways', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
  const [ada, bo] = await stage.pair({ broker: proxy.broker }, {});
  const journeys = [];
  for (const [from, to, name] of /** @type {const} */ ([
    [ada, bo, 'there 1.bin'],
    [ada, bo, 'there 2.bin'],
    [bo, ada, 'back 1.bin'],
    [bo, ada, 'back 2.bin'],
  ])) {
    const file = await stage.file(name, 10 * MIB);
    const sent = await from.sendFiles([file.path]);
    journeys.push({ file, sent, received: await to.incoming(sent) });
  }
  // None is done before the last has begun.
  proxy.limit = MIB;
  // One after the other: a window has but one mouse.
  for (const { received } of journeys) await received.press('accept');
  await Promise.all([ada, bo].map((room) => room.waitForAllInTheMiddle(journeys.length)));
  proxy.limit = Infinity;
  await Promise.all(journeys.flatMap(({ sent, received }) => [sent.waitForState('done'), received.waitForState('done')]));
  for (const { file, received } of journeys) await assertSaved(received, [file]);
});

scenario('with automatic acceptance nobody has to press a button', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await receiver.byId('auto-accept').check();
  const file = await stage.file('welcome.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.waitForState('done');
  await assertSaved(received, [file]);
});
