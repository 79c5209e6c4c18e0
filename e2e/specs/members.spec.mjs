// A member that keeps to the document, from which alone it was written: what it and the app send
// one another arrives.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { MIB } from '../lib/files.mjs';
import { accepted, fileOf, hashes, join, MALLORY } from '../lib/mallory.mjs';
import { BLOCK, Parcel } from '../lib/member/parcel.mjs';
import { scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

scenario('a text of a member arrives', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const text = 'Meet at 7 — 七点见 — <b>not bold</b>';
  const parcel = Parcel.text(text);
  await member.share(parcel);
  const received = new Transfer(bo.page, parcel.name);
  await received.waitForState('done');
  assert.equal(await received.byId('transfer-text').textContent(), text);
  await member.heard('receipt');
});

scenario('files of a member arrive', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const files = [0, 1, BLOCK - 1, BLOCK, 300_000, 2 * MIB].map((size) => fileOf(`${size}.bin`, size));
  const received = await accepted(member, bo, new Parcel(files));
  await received.waitForState('done');
  await member.heard('receipt');
  const saved = await received.save(files.length);
  assert.deepEqual(saved, hashes(files).map((file) => ({ name: `${file.size}.bin`, ...file })));
});

scenario('a file and a text arrive at a member', async (stage) => {
  const [ada, member] = await Promise.all([stage.join('Ada'), join(stage)]);
  await ada.waitForPeer(MALLORY);
  const file = await stage.file('there.bin', 5 * MIB + 1);
  const [path, text] = [file.path, 'for everyone who has the key'];
  const sent = await ada.sendFiles([path]);
  const [arrived] = await member.receive(await member.offerOf(sent));
  await sent.waitForReceiver(MALLORY, 'done');
  assert.equal(arrived.path, file.name);
  assert.ok(arrived.bytes.length === file.size && Buffer.from(arrived.bytes).equals(await readFile(path)));

  const said = await ada.sendText(text);
  const [heard] = await member.receive(await member.offerOf(said));
  assert.equal(Buffer.from(heard.bytes).toString(), text);
  await said.waitForState('done');
});
