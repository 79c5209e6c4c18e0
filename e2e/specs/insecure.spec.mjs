// Over plain http on another computer's address browsers withhold storage and more.

import assert from 'node:assert/strict';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('an insecure page keeps files in memory, says so, and transfers all the same', async (stage) => {
  const origin = `http://${INSECURE_HOST}:${stage.station.port}`;
  const [sender, receiver] = await stage.pair({}, {}, { origin });
  assert.equal(await receiver.page.evaluate(() => isSecureContext), false);
  const shown = await receiver.byId('storage-notice').innerText();
  assert.match(shown, /memory/i, 'the limit is named');
  assert.match(shown, /https|secure/i, 'the reason is named');

  const files = [await stage.file('first.bin', 20 * MIB), await stage.file('second.bin', 16 * 1024 + 1)];
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, files);
});

scenario('a secure page says nothing of missing storage', async (stage) => {
  const room = await stage.join('Ada');
  assert.equal(await room.byId('storage-notice').count(), 0);
});
