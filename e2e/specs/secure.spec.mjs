// Over https from another computer's address browsers withhold nothing.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';

scenario("a page of the station's own https is secure, and transfers over its wss with file storage", async (stage) => {
  // The certificate that it makes is kept there.
  const data = join(await stage.folder(), 'station');
  const { port } = await stage.use(startStation(['--tls', '--data', data, '--origin', INSECURE_HOST]));
  const host = `${INSECURE_HOST}:${port}`;
  // As whoever was asked about the certificate and went on.
  const how = { origin: `https://${host}`, options: { ignoreHTTPSErrors: true } };
  const [sender, receiver] = await stage.pair({}, {}, how);
  for (const { page } of [sender, receiver]) {
    assert.equal(await page.evaluate(() => isSecureContext), true);
    assert.equal(await page.evaluate(() => location.protocol), 'https:');
  }
  const file = await stage.file('secure.bin', 20 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await sent.waitForState('done');
  await assertSaved(received, [file]);

  for (const room of [sender, receiver]) {
    assert.ok((await room.statusText()).includes(host), 'the broker is the one that came with the page');
    assert.equal(await room.byId('storage-notice').count(), 0);
  }
  // What was received lies in storage that outlives the page.
  await receiver.reload();
  await received.waitForState('done');
  await assertSaved(received, [file]);
  await receiver.byId('leave').click();
  const field = receiver.byId('broker-input');
  assert.deepEqual([await field.inputValue(), await field.getAttribute('placeholder')], ['', `wss://${host}/mqtt`]);
});
