// Everything can be done without a mouse.

import assert from 'node:assert/strict';
import { MIB } from '../lib/files.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { collectDownloads } from '../lib/transfer.mjs';

scenario('joining, sending, accepting, saving and leaving work from the keyboard', async (stage) => {
  const [sender, receiver] = [await stage.open('Ada'), await stage.open('Bo')];
  // From now on choosers are told of instead of shown; that takes a moment to begin.
  sender.page.on('filechooser', () => {});
  for (const [room, name] of /** @type {const} */ ([[sender, 'Ada'], [receiver, 'Bo']])) {
    await tabTo(room.page, 'name-input');
    await room.page.keyboard.press('Control+A');
    await room.page.keyboard.type(name);
    await tabTo(room.page, 'key-input');
    await room.page.keyboard.type(KEY);
    await room.page.keyboard.press('Enter');
    await room.waitForStatus('online');
  }
  await sender.waitForPeer('Bo');

  await tabTo(sender.page, 'send-text');
  await sender.page.keyboard.type('typed, not clicked');
  await tabTo(sender.page, 'send-text-submit');
  await sender.page.keyboard.press('Enter');
  await receiver.byId('transfer-text').getByText('typed, not clicked').waitFor();
  await sender.page.locator('[data-testid="send-text-submit"][aria-disabled="true"]:focus').waitFor();

  const file = await stage.file('chosen.bin', MIB);
  await tabTo(sender.page, 'send-files');
  const [chooser] = await Promise.all([sender.page.waitForEvent('filechooser'), sender.page.keyboard.press('Space')]);
  await chooser.setFiles([file.path]);
  await receiver.byId('transfer').nth(1).waitFor();
  await tabTo(receiver.page, 'accept');
  await receiver.page.keyboard.press('Enter');
  await receiver.page.locator('[data-testid="transfer"][data-state="done"] [data-testid="save"]').waitFor();
  await tabTo(receiver.page, 'save');
  const [saved] = await collectDownloads(receiver.page, 1, () => receiver.page.keyboard.press('Enter'));
  assert.equal(saved?.sha256, file.sha256);

  await tabTo(receiver.page, 'leave');
  await receiver.page.keyboard.press('Enter');
  await receiver.byId('key-input').waitFor();
});

/**
 * Presses Tab until an element has the focus, which it must show.
 * @param {import('playwright-core').Page} page
 * @param {string} id
 */
async function tabTo(page, id) {
  for (let presses = 0; presses < 60; presses += 1) {
    const reached = await page.evaluate((wanted) => document.activeElement?.getAttribute('data-testid') === wanted, id);
    if (reached) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`${id} is not reached with the Tab key`);
}
