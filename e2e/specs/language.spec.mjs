// The page in other languages: no sentence stands outside of the messages, longer ones fit, and the
// language is the one that somebody asked for.

import assert from 'node:assert/strict';
import { devices } from 'playwright-core';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { KIB, MIB } from '../lib/files.mjs';
import { isFit } from '../lib/fit.mjs';
import { freePort } from '../lib/processes.mjs';
import { siteWithLanguages, wordsOutside } from '../lib/pseudo.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

/** As narrow as WCAG 2.2 wants it. */
const PHONE = { ...devices['Pixel 7'], viewport: { width: 320, height: 568 } };

/** @param {import('../lib/room.mjs').Room} room */
function languageOf({ page }) {
  return page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dir}`);
}

for (const { lang, direction } of [{ lang: 'en-XA', direction: 'ltr' }, { lang: 'ar-XB', direction: 'rtl' }]) {
  scenario(`every sentence is a message, and fits a phone (${lang})`, async (stage) => {
    stage.expectNoise(SOCKET_FAILED);
    const origin = await siteWithLanguages(stage);
    const { broker } = stage.station;
    const ada = await stage.open('Ada', { broker, lang, name: 'Ada' }, { origin, options: PHONE });
    assert.equal(await languageOf(ada), `${lang} ${direction}`);
    const names = ['Ada', 'Bo', KEY, 'notes.bin', 'first.bin', 'second.bin', 'a text', new URL(broker).host];
    const isTranslated = async (/** @type {string} */ where) => {
      assert.deepEqual(await wordsOutside(ada.page, names), [], where);
      await isFit(ada);
    };

    await isTranslated('the form');
    await ada.page.locator('summary').click();
    // A field, what is typed there and will not do, and what is put there then.
    for (const [field, wrong, right] of [
      ['key', '', KEY],
      ['broker', 'mqtt://host', ''],
      ['broker', 'ftp://host', ''],
      ['broker', 'ws://a@host', ''],
      ['broker', 'ws://host:0', ''],
      ['broker', 'ws://', ''],
      ['broker', 'two words', broker],
      ['prefix', 'Not/Allowed#', ''],
      ['password', 'secret', ''],
    ]) {
      await ada.byId(`${field}-input`).fill(wrong);
      await ada.byId('join').click();
      await ada.page.locator(`#${field === 'password' ? 'username' : field}-error`).getByTestId('error').waitFor();
      await isTranslated(`the form, with “${wrong}” as ${field}`);
      await ada.byId(`${field}-input`).fill(right);
    }
    const lookalike = 'сор';
    names.push(lookalike);
    await ada.byId('key-input').fill(lookalike);
    await ada.byId('key-warning').getByText(lookalike[0]).waitFor();
    await isTranslated('a key with letters that look like others');
    await ada.byId('key-generate').click();
    await ada.byId('key-strength').waitFor();
    names.push(await ada.byId('key-input').inputValue());
    await isTranslated('a key that was made');
    await pasteFile(ada.page);
    await ada.byId('ready').waitFor();
    await isTranslated('a file that waits for a room');
    await ada.byId('ready-discard').click();
    await ada.join({ key: KEY, broker: `ws://127.0.0.1:${await freePort()}/mqtt` });
    await ada.waitForStatus('error');
    await isTranslated('an address where nobody listens');
    await ada.byId('leave').click();
    await ada.join({ broker });
    await ada.waitForStatus('online');
    await isTranslated('an empty room');
    await ada.byId('report').click();
    await ada.byId('report-text').waitFor();
    await isTranslated('the details for a bug report');
    await ada.byId('report').click();
    await ada.byId('report-text').waitFor({ state: 'detached' });
    await ada.byId('share').click();
    await ada.byId('share-qr').waitFor();
    await isTranslated('the invite');
    await ada.byId('share').click();

    const bo = await stage.join('Bo');
    await ada.waitForPeer('Bo');
    await ada.mute('Bo');
    await isTranslated('a room with somebody muted');
    await ada.byId('mute').click();
    await ada.byId('compare').click();
    for (const whose of ['person', 'own']) {
      const words = ada.byId(`${whose}-words`);
      await words.filter({ hasText: /^(\w+ ){7}\w+$/ }).waitFor();
      names.push((await words.textContent()) ?? '');
    }
    await isTranslated('the words of a person');
    await ada.byId('verify').click();
    await ada.page.locator('.person-verified').waitFor();
    await isTranslated('a person whose words were compared');
    await ada.byId('compare').click();
    await ada.sendTo('Bo');
    await isTranslated('what is for one person');
    await ada.byId('audience-room').click();

    const notes = await stage.file('notes.bin', KIB);
    const sent = await ada.sendFiles([notes.path]);
    const received = await bo.incoming(sent);
    await received.waitForState('offered');
    await isTranslated('waiting for an answer');
    await received.press('accept');
    await sent.waitForState('done');
    await isTranslated('a sent file');
    const text = await ada.sendText('a text');
    await text.waitForState('done');
    await isTranslated('a sent text');
    const declined = await ada.sendFiles([notes.path]);
    const refused = await bo.incoming(declined);
    await refused.press('decline');
    await declined.waitForState('declined');
    await isTranslated('a declined file');
    const cancelled = await ada.sendFiles([notes.path]);
    await (await bo.incoming(cancelled)).waitForState('offered');
    await cancelled.press('cancel');
    await cancelled.waitForState('cancelled');
    await isTranslated('a cancelled file');

    const files = [await stage.file('first.bin', MIB), await stage.file('second.bin', 1)];
    const offered = await bo.sendFiles(files.map(({ path }) => path));
    const offer = await ada.incoming(offered);
    await offer.waitForState('offered');
    await isTranslated('an offer');
    await offer.press('accept');
    await offer.waitForState('done');
    await isTranslated('received files');
    await offer.press('remove');
    await ada.byId('undo-remove').waitFor();
    await isTranslated('what was removed');
    await ada.byId('undo-remove').click();
    const told = await ada.incoming(await bo.sendText('a text'));
    await told.waitForState('done');
    await isTranslated('a received text');
    await ada.byId('send-text').fill('a text');
    await isTranslated('what is typed');
    await ada.byId('leave').click();
    await ada.byId('key-input').waitFor();
    await isTranslated('the form again');
    const other = 'a-room-of-others';
    names.push(other);
    await ada.visit(origin, { lang, key: other, broker, name: 'Ada', auto: true });
    await ada.waitForStatus('online');
    await ada.byId('kept-notice').waitFor();
    await isTranslated('another room, with what is kept of the first one');
  });
}

scenario('the language is what the link says, else what the user chose, else what the browser prefers', async (stage) => {
  const origin = await siteWithLanguages(stage);
  const { broker } = stage.station;
  const options = { locale: 'ar-EG' };
  const room = await stage.open('Ada', { broker }, { origin, options });
  assert.equal(await languageOf(room), 'ar-XB rtl', 'of the family that the browser prefers');
  await room.join({ key: KEY, name: 'Ada' });
  await room.waitForStatus('online');

  const loaded = room.page.waitForEvent('load');
  await room.byId('language').selectOption('en-XA');
  await loaded;
  await room.waitForStatus('online');
  assert.equal(await languageOf(room), 'en-XA ltr', 'chosen, and back in the room');
  await room.byId('leave').click();
  await room.byId('key-input').waitFor();

  await room.visit(origin, { lang: 'ar-xb', key: KEY, broker });
  await room.page.reload();
  await room.byId('key-input').waitFor();
  assert.equal(await languageOf(room), 'ar-XB rtl', 'what the link says');
  const reloaded = room.page.waitForEvent('load');
  await room.byId('language').selectOption('en');
  await reloaded;
  await room.byId('key-input').waitFor();
  assert.match(await languageOf(room), /^en\b/, 'a choice takes the place of what the link says');
  assert.equal(await room.byId('key-input').inputValue(), KEY);
  assert.ok(!room.page.url().includes('lang='));
});

scenario('without the words of its language the page is English', async (stage) => {
  // One is of another version, the other is not there.
  const change = (/** @type {string} */ code, /** @type {string} */ text) => (code === 'en-XA' ? text.replace(/^.{16}/, '0'.repeat(16)) : undefined);
  const origin = await siteWithLanguages(stage, change);
  stage.expectNoise(/404/);
  for (const lang of ['en-XA', 'ar-XB', 'tlh']) {
    const room = await stage.open(lang, { lang }, { origin });
    await room.page.getByText('Send files to any browser').waitFor();
    assert.match(await languageOf(room), /^en\b/);
  }
  const room = await stage.open('slow', {}, { origin });
  await room.page.route('**/lang/*', () => {});
  await room.visit(origin, { lang: 'en-XA' });
  await room.page.reload();
  await room.page.getByText('Send files to any browser').waitFor();
});

scenario('a site with one language offers no choice', async (stage) => {
  const room = await stage.open('Ada');
  await room.byId('key-input').waitFor();
  assert.equal(await room.byId('language').count(), 0);
});

/**
 * Pastes a file into a page.
 * @param {import('playwright-core').Page} page
 */
async function pasteFile(page) {
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'notes.bin'));
    document.body.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data }));
  });
}
