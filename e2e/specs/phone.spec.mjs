// Phones: everything is done with taps, nothing needs a pointer that hovers, nothing is too wide or
// too small.

import assert from 'node:assert/strict';
import { devices } from 'playwright-core';
import { KIB, MIB } from '../lib/files.mjs';
import { isFit } from '../lib/fit.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { collectDownloads } from '../lib/transfer.mjs';

const PHONES = [
  { name: 'a phone', options: devices['Pixel 7'] },
  // As narrow as WCAG 2.2 wants it (success criterion 1.4.10, reflow).
  { name: 'a narrow phone', options: { ...devices['Pixel 7'], viewport: { width: 320, height: 568 } } },
];

for (const { name, options } of PHONES) {
  scenario(`${name} joins, sends, receives and saves by tapping`, async (stage) => {
    const phone = await stage.open('phone', {}, { options });
    await isTouched(phone);
    await isFit(phone);
    await phone.byId('key-generate').tap();
    const made = await phone.byId('key-input').inputValue();
    await phone.page.getByText(made, { exact: true }).waitFor();
    await isFit(phone);
    await phone.byId('key-input').fill('');
    await phone.byId('key-input').tap();
    await phone.page.keyboard.type(KEY);
    await phone.byId('name-input').tap();
    await phone.byId('name-input').fill('Phone with a rather long name 🎉');
    await phone.byId('join').tap();
    await phone.waitForStatus('online');
    const laptop = await stage.join('laptop');
    await phone.waitForPeer('laptop');
    await isFit(phone);

    const outgoing = await stage.file('a-photograph-with-a-name-wider-than-any-phone-is-IMG_20261121_003000.jpg', 300 * KIB);
    const [chooser] = await Promise.all([
      phone.page.waitForEvent('filechooser'),
      // The input lies hidden in its button.
      phone.byId('send-files').locator('..').tap(),
    ]);
    const sent = await phone.newTransfer(() => chooser.setFiles([outgoing.path]));
    const received = await laptop.incoming(sent);
    await received.press('accept');
    await sent.waitForState('done');
    await isFit(phone);

    const incoming = [await stage.file('first part.bin', MIB), await stage.file('second part.bin', 5)];
    const offered = await laptop.sendFiles(incoming.map(({ path }) => path));
    const offer = await phone.incoming(offered);
    await offer.waitForState('offered');
    await isFit(phone);
    await offer.byId('accept').tap();
    await offer.waitForState('done');
    await isFit(phone);
    assert.deepEqual(
      await collectDownloads(phone.page, incoming.length, () => offer.byId('save').tap()),
      incoming.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    );

    await phone.byId('send-text').tap();
    await phone.page.keyboard.type('on my way');
    const text = await phone.newTransfer(() => phone.byId('send-text-submit').tap());
    await (await laptop.incoming(text)).waitForState('done');

    await phone.byId('share').tap();
    await phone.byId('share-qr').waitFor();
    await isFit(phone);
    await phone.byId('leave').tap();
    await phone.byId('key-input').waitFor();
  });
}

/** @param {import('../lib/room.mjs').Room} room */
async function isTouched({ page }) {
  const found = await page.evaluate(() => ({
    finger: matchMedia('(pointer: coarse) and (hover: none)').matches,
    points: navigator.maxTouchPoints,
  }));
  assert.ok(found.finger && found.points > 0, 'the browser knows a finger and no mouse');
}
