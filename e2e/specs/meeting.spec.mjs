// Who is there first does not matter.

import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

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

scenario('who leaves is no longer shown', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await receiver.byId('leave').click();
  await sender.waitForPeerGone('Bo');
});

scenario('who closes the window is no longer shown', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await receiver.page.close();
  await sender.waitForPeerGone('Bo');
});

scenario('two transfers at a time go both ways', async (stage) => {
  const [ada, bo] = await stage.pair();
  const [first, second] = [await stage.file('there.bin', 12 * MIB), await stage.file('back.bin', 12 * MIB)];
  const [there, back] = await Promise.all([ada.sendFiles([first.path]), bo.sendFiles([second.path])]);
  const [atBo, atAda] = await Promise.all([bo.incoming(there), ada.incoming(back)]);
  await Promise.all([atBo.press('accept'), atAda.press('accept')]);
  await Promise.all([atBo, atAda, there, back].map((transfer) => transfer.waitForState('done')));
  await assertSaved(atBo, [first]);
  await assertSaved(atAda, [second]);
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
