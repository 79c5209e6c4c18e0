// Over plain http on another computer's address browsers withhold storage and more.

import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { missesOneFile } from '../lib/left-out.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

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
  // They would be gone with the page.
  assert.equal(await leaving(receiver.page), 'asked');
  assert.equal((await received.byId('saved').innerText()).trim(), 'Not saved yet');
  await received.saveFile('first.bin');
  assert.equal((await received.byId('saved').innerText()).trim(), '1 of 2 saved');

  await received.press('remove');
  await received.root.waitFor({ state: 'detached' });
  assert.equal(await leaving(receiver.page), 'asked');
  await receiver.byId('undo-remove').click();
  await received.root.waitFor();
  await assertSaved(received, files);
  assert.equal((await received.byId('saved').innerText()).trim(), 'Saved');
  assert.equal(await leaving(receiver.page), 'would close');
});

scenario('in memory a file that changes while it is sent is missing, the other one is saved, and large ones are warned of', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
  const origin = `http://${INSECURE_HOST}:${stage.station.port}`;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {}, { origin });
  await missesOneFile(stage, sender, receiver);

  // More than is safe there is said before it is accepted.
  const huge = await stage.file('huge.bin', 1);
  await truncate(huge.path, 20_000_000_000);
  const offered = await receiver.incoming(await sender.sendFiles([huge.path]));
  await offered.byId('transfer-space').getByText(/takes 20 GB, .* in memory/).waitFor();
});

scenario('received files that were not saved can be had back for a while after Remove', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const [first, second] = [await stage.file('first.bin', MIB), await stage.file('second.bin', MIB)];
  for (const { path } of [first, second]) {
    const received = await receiver.incoming(await sender.sendFiles([path]));
    await received.press('accept');
    await received.waitForState('done');
    assert.equal(await leaving(receiver.page), 'would close', 'storage keeps them');
    await received.press('remove');
    await received.root.waitFor({ state: 'detached' });
  }
  // The last one is asked about first.
  const notice = receiver.page.getByText('Removed without being saved');
  await notice.filter({ hasText: 'second.bin' }).waitFor();
  await receiver.byId('remove-now').click();
  await notice.filter({ hasText: 'first.bin' }).waitFor();
  await receiver.byId('undo-remove').click();
  await receiver.byId('undo-remove').waitFor({ state: 'detached' });
  const [kept] = await receiver.parcels('in');
  await receiver.reload();
  await new Transfer(receiver.page, kept).waitForState('done');
  // The other one is gone for good: at most it is offered again, as to anyone who comes later.
  assert.equal(await receiver.page.locator('[data-testid="transfer"][data-state="done"]').count(), 1);
  await assertSaved(new Transfer(receiver.page, kept), [first]);
});

scenario('a secure page says nothing of missing storage', async (stage) => {
  const room = await stage.join('Ada');
  assert.equal(await room.byId('storage-notice').count(), 0);
});

/**
 * Tries to leave the page as a person does who closes it; stays if the browser asks.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<'asked' | 'would close'>}
 */
async function leaving(page) {
  const asks = await page.evaluate(() => {
    const event = new Event('beforeunload', { cancelable: true });
    return !window.dispatchEvent(event);
  });
  return asks ? 'asked' : 'would close';
}
