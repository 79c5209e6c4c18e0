// The main job in Firefox, and its private windows, which have no file storage for pages.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { Firefox } from '../lib/engines/firefox.mjs';
import { doesTheMainJob } from '../lib/engines/main-job.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

doesTheMainJob('Firefox', () => Firefox.launch());

scenario("Firefox's private windows keep files in memory, say so, and save them", async (stage) => {
  const engine = await Firefox.launch({ isPrivate: true });
  await stage.use(Promise.resolve({ stop: () => engine.close() }));
  const [sender, receiver] = await Promise.all([stage.join('Ada'), stage.join('Bo', {}, { engine })]);
  await sender.waitForPeer('Bo');
  assert.match(await receiver.byId('storage-notice').innerText(), /file storage.*memory/s);
  const file = await stage.file('in private.bin', 8 * MIB);
  const received = await receiver.incoming(await sender.sendFiles([file.path]));
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);
});
