// Whatever members call themselves and their files: it is shown and saved as harmless text.

import assert from 'node:assert/strict';
import { accepted, fileOf, hashes, join, MALLORY } from '../lib/mallory.mjs';
import { Parcel } from '../lib/member/parcel.mjs';
import { scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

/** @typedef {import('../lib/room.mjs').Room} Room */

/** Letters that nobody should be shown: controls, and what turns a line around. */
const HIDDEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** What files are called, and as what they are shown. */
const PATHS = {
  '../../etc/passwd': 'etc/passwd',
  '/abs': 'abs',
  'C:\\x\\..\\evil': 'C/x/evil',
  'nul\0bell\u0007 \u202egpj.exe': 'nulbell gpj.exe',
  [`${'x'.repeat(10_000)}.txt`]: `${'x'.repeat(251)}.txt`,
  'photo.jpg:setup.exe': 'photo.jpg_setup.exe',
  'COM\u00b9.txt': '_COM\u00b9.txt',
  '<img src=x onerror=alert(1)>': '_img src=x onerror=alert(1)_',
};

scenario('whatever files are called, they are shown and saved under harmless names', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  const dialogs = dialogsOf(bo);
  await bo.waitForPeer(MALLORY);
  const files = Object.keys(PATHS).map((path, place) => fileOf(path, 1_000 * (place + 1)));
  const title = `<img src=x onerror=alert(1)>\u202e\n${'x'.repeat(10_000)}`;
  const parcel = new Parcel(files, { title });
  await member.share(parcel);
  const received = new Transfer(bo.page, parcel.name);
  const offered = await received.byId('transfer-title').textContent();
  assert.ok(offered?.startsWith('<img src=x onerror=alert(1)> xxx') && offered.length <= 200, `the title is ${offered}`);
  await assertNoMarkup(bo);
  await received.press('accept');
  await received.waitForState('done');
  assert.deepEqual((await received.files()).map(({ path }) => path), Object.values(PATHS));
  // What it is called then follows from what it is.
  assert.equal(await received.byId('transfer-title').textContent(), `etc/passwd and ${files.length - 1} more`);

  const saved = await received.save(files.length);
  assert.deepEqual(saved.map(({ size, sha256 }) => ({ size, sha256 })), hashes(files));
  for (const { name } of saved) {
    assert.ok(Buffer.byteLength(name) <= 255 && !HIDDEN.test(name) && !/[/\\<>:]|^\.|^$/.test(name), `it is saved as ${JSON.stringify(name)}`);
  }
  assert.deepEqual(dialogs, []);
  await assertNoMarkup(bo);
});

scenario('files that are called alike, or as another one’s folder, are told apart', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const files = ['a', 'a', 'A', 'a/b', 'a/../a', './a//b', 'a (2)', '\u00e9', 'e\u0301'].map((path, place) => fileOf(path, 20_000 + place));
  const received = await accepted(member, bo, new Parcel(files));
  await received.waitForState('done');
  const paths = (await received.files()).map(({ path }) => path.toLowerCase().normalize());
  assert.equal(new Set(paths).size, files.length, `they are shown as ${paths.join(', ')}`);
  const folders = paths.flatMap((path) => (path.includes('/') ? [path.replace(/\/.*/, '')] : []));
  assert.ok(!folders.some((folder) => paths.includes(folder)), `they are shown as ${paths.join(', ')}`);
  const saved = await received.save(files.length);
  assert.deepEqual(saved.map(({ size, sha256 }) => ({ size, sha256 })), hashes(files));
});

scenario('whatever a device calls itself, it is shown as one line of text', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  const dialogs = dialogsOf(bo);
  await bo.waitForPeer(MALLORY);
  const names = {
    '<img src=x onerror=alert(1)>': '<img src=x onerror=alert(1)>',
    'abc\u202egpj\u2066.exe\n\u0000second line': 'abcgpj.exe second line',
    [`</li>${'W'.repeat(250)}`]: `</li>${'W'.repeat(59)}`,
    '\u202e \u0000': 'Unnamed',
  };
  for (const name of Object.keys(names)) await member.comeIn(name);
  for (const shown of Object.values(names)) await bo.waitForPeer(shown);
  const rows = await bo.byId('person').evaluateAll((all) =>
    all.map((row) => ({ text: row.textContent ?? '', name: row.getAttribute('data-name') ?? '', height: row.getBoundingClientRect().height })),
  );
  assert.equal(rows.length, 1 + Object.keys(names).length);
  for (const { text, name, height } of rows) {
    assert.ok(text.endsWith(name), `${name} is shown as it is: ${text}`);
    assert.equal(height, rows[0]?.height, `${name} takes one line`);
  }
  // They are named beside what is sent to them, too.
  const sent = await bo.sendText('to you all');
  for (const shown of Object.values(names)) await sent.waitForReceiver(shown, 'offered');
  assert.deepEqual(dialogs, []);
  await assertNoMarkup(bo);
});

/**
 * Every question that a window asks from now on.
 * @param {Room} room
 */
function dialogsOf(room) {
  /** @type {string[]} */
  const dialogs = [];
  room.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  return dialogs;
}

/**
 * No name became an element, and none makes the page wider than the window.
 * @param {Room} room
 */
async function assertNoMarkup(room) {
  assert.equal(await room.page.locator('img, [onerror]').count(), 0);
  const [shown, there] = await room.page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.equal(there, shown, 'nothing has to be scrolled sideways');
}
