// The broker's owner and people with another key learn nothing.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { observe } from '../lib/observer.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

scenario('another key at the same broker sees nobody and no transfer', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const stranger = await stage.join('Eve', { key: 'quite-another-key' });
  const file = await stage.file('private.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  // Hello and offer have been answered by now, so they would have reached the stranger too.
  assert.deepEqual([await stranger.peerCount(), await stranger.parcels('in')], [0, []]);
  assert.equal(await sender.peerCount(), 1);
});

scenario('the broker sees neither key, names nor content', async (stage) => {
  const observer = await stage.use(observe(stage.station));
  const [sender, receiver] = [await stage.join('Adelheid at work'), await stage.join('Bonifatius at home')];
  await sender.waitForPeer('Bonifatius at home');
  const file = await stage.file('salary-list.bin', MIB);
  const text = 'the password of the safe is 4711-0815';
  const sentText = await sender.sendText(text);
  const sentFile = await sender.sendFiles([file.path]);
  await (await receiver.incoming(sentText)).waitForState('done');
  const received = await receiver.incoming(sentFile);
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);

  const carried = observer.messages.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(carried > file.size, `the observer saw ${carried} bytes, so it saw the transfer`);
  const bytes = await readFile(file.path);
  const secrets = {
    key: KEY,
    'a word of the key': 'lantern',
    'file name': 'salary-list',
    "sender's name": 'Adelheid',
    "receiver's name": 'Bonifatius',
    text: text.slice(0, 20),
    'beginning of the file': bytes.subarray(0, 32),
    'middle of the file': bytes.subarray(500_000, 500_032),
    'MIME type': 'application/octet-stream',
  };
  for (const [what, secret] of Object.entries(secrets)) {
    assert.deepEqual(observer.findings(secret), [], `the broker sees the ${what}`);
  }
  for (const { topic } of observer.messages) {
    assert.match(topic, /^mqdrop\/1(\/[a-z0-9-]+){2,3}$/, 'topics are ids only');
    assert.ok(topic.split('/').length <= 8);
  }
});
