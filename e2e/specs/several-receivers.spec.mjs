// One upload serves everyone in the room, and those who come later.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

/** What three receivers may cost the sender, in times the file's size. */
const MOST = 1.2;

scenario('three receivers cost the sender one upload, and a fourth that joins later gets the file too', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const sender = await stage.join('Ada', { broker: proxy.broker });
  const names = ['Bo', 'Cy', 'Di'];
  const receivers = await Promise.all(names.map((name) => stage.join(name)));
  await Promise.all(names.map((name) => sender.waitForPeer(name)));

  const file = await stage.file('shared.bin', 20 * MIB);
  const before = proxy.up;
  const sent = await sender.sendFiles([file.path]);
  const received = await Promise.all(receivers.map((receiver) => receiver.incoming(sent)));
  // What went out before the last of them came would be sent again.
  proxy.limit = MIB / 4;
  await Promise.all(received.map((transfer) => transfer.press('accept')));
  await Promise.all(names.map((name) => sent.waitForReceiver(name, 'active')));
  proxy.limit = Infinity;
  await Promise.all(received.map((transfer) => transfer.waitForState('done')));
  await Promise.all(names.map((name) => sent.waitForReceiver(name, 'done')));
  const cost = (proxy.up - before) / file.size;
  assert.ok(cost <= MOST, `the sender uploaded ${cost.toFixed(2)} times the file`);
  for (const transfer of received) await assertSaved(transfer, [file]);

  const fourth = await (await stage.join('Ed')).incoming(sent);
  await fourth.press('accept');
  await fourth.waitForState('done');
  await sent.waitForReceiver('Ed', 'done');
  await assertSaved(fourth, [file]);
}, { timeout: 180_000 });

scenario('a receiver that declines does not keep the others from receiving', async (stage) => {
  const [sender, willing] = await stage.pair();
  const unwilling = await stage.join('Cy');
  await sender.waitForPeer('Cy');
  const file = await stage.file('choice.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  await (await unwilling.incoming(sent)).press('decline');
  await sent.waitForReceiver('Cy', 'declined');
  const received = await willing.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);
});
