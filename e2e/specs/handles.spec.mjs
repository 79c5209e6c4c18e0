// Where the browser remembers which files were dropped or picked, a sender goes on after a reload
// without choosing them again.

import assert from 'node:assert/strict';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { BRISK, inTheMiddle } from '../lib/in-the-middle.mjs';
import { scenario } from '../lib/scenario.mjs';

/**
 * Drops a file of this machine on the page, as a person would.
 * @param {import('../lib/room.mjs').Room} room
 * @param {string} path
 */
async function drop(room, path) {
  const browser = await room.page.context().newCDPSession(room.page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  return room.newTransfer(async () => {
    for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop'])) {
      await browser.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
    }
  });
}

/**
 * Picks a file as a person does. Nothing that drives a browser answers to its picker for handles: a
 * handle of the same bytes is given in its place.
 * @param {import('../lib/room.mjs').Room} room
 * @param {string} path
 */
async function pick(room, path) {
  await room.page.evaluate(() => document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'source' })));
  await room.page.locator('#source').setInputFiles(path);
  await room.page.evaluate(async () => {
    const [file] = /** @type {HTMLInputElement} */ (document.querySelector('#source')).files ?? [];
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle(file.name, { create: true });
    await file.stream().pipeTo(await handle.createWritable());
    Object.assign(window, { showOpenFilePicker: async () => [handle] });
    Object.defineProperty(navigator, 'webdriver', { value: false });
  });
  return room.newTransfer(() => room.page.getByText('Choose files').click());
}

/**
 * Loads the sender's page anew and joins again.
 * @param {Awaited<ReturnType<typeof inTheMiddle>>} transfer
 * @param {{ query: PermissionState, request?: PermissionState }} answers what the browser says when it is asked whether files may be read
 */
async function reload({ sender, proxy }, answers) {
  await sender.page.addInitScript(({ query, request }) => {
    const { prototype } = /** @type {any} */ (window).FileSystemHandle;
    prototype.queryPermission = async () => query;
    if (request) prototype.requestPermission = async () => request;
  }, answers);
  return sender.reload();
}

for (const [what, send] of Object.entries({ dropped: drop, picked: pick })) {
  scenario(`a sender whose page is reloaded goes on by itself with what was ${what}`, async (stage) => {
    const transfer = await inTheMiddle(stage, 8 * MIB, { send });
    const { proxy, file, sent, received } = transfer;
    const before = proxy.up;
    await reload(transfer, { query: 'granted' });
    proxy.limit = BRISK;
    await received.waitForState('done');
    await sent.waitForState('done');
    assert.ok(proxy.up - before < 20 * MIB, `${proxy.up - before} bytes were sent after the reload`);
    await assertSaved(received, [file]);
  });
}

scenario('a sender who has to allow it again is asked with one click', async (stage) => {
  const transfer = await inTheMiddle(stage, 8 * MIB, { send: drop });
  const { proxy, file, sent, received } = transfer;
  await reload(transfer, { query: 'prompt' });
  proxy.limit = Infinity;
  await received.waitForState('waiting');
  await sent.press('resume');
  await received.waitForState('done');
  await sent.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('files that may not be read, are gone or are others are said, and lose nothing', async (stage) => {
  const transfer = await inTheMiddle(stage, MIB, { send: drop });
  const { proxy, file, sent, received } = transfer;
  const refused = await reload(transfer, { query: 'prompt', request: 'denied' });
  await sent.press('resume');
  await refused.byId('error').getByText(/does not let this page read the files/).waitFor();

  const moved = `${file.path}.moved`;
  await rename(file.path, moved);
  const room = await reload(transfer, { query: 'granted', request: 'granted' });
  await room.byId('error').getByText(/not where they were/).waitFor();
  const other = await stage.file('other.bin', MIB);
  await sent.byId('choose-again').setInputFiles(other.path);
  await room.byId('error').getByText(/long\.bin/).waitFor();
  // The wrong one took nothing away: where the right one is, is still known.
  await rename(moved, file.path);
  proxy.limit = Infinity;
  await sent.press('resume');
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('files that are gone for good can be chosen from elsewhere', async (stage) => {
  const transfer = await inTheMiddle(stage, MIB, { send: drop });
  const { proxy, file, sent, received } = transfer;
  const moved = join(await stage.folder(), 'elsewhere', basename(file.path));
  await mkdir(dirname(moved));
  await rename(file.path, moved);
  const room = await reload(transfer, { query: 'granted' });
  await room.byId('error').getByText(/not where they were/).waitFor();
  proxy.limit = Infinity;
  await sent.byId('choose-again').setInputFiles(moved);
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('a picker that is closed without a choice sends nothing, and one that does not open gives way to the other', async (stage) => {
  const [sender] = await stage.pair();
  const { page } = sender;
  // From now on choosers are told of instead of shown; that takes a moment to begin.
  let choosers = 0;
  page.on('filechooser', () => (choosers += 1));
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'webdriver', { value: false });
    Object.assign(window, { showOpenFilePicker: () => Promise.reject(new DOMException('', 'AbortError')) });
  });
  await page.getByText('Choose files').click();
  await page.evaluate(() => {
    Object.assign(window, { showOpenFilePicker: () => Promise.reject(new DOMException('', 'SecurityError')) });
  });
  assert.equal(choosers, 0);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByText('Choose files').click()]);
  assert.equal(await sender.byId('transfer').count(), 0);
  const file = await stage.file('plain.bin', MIB);
  assert.equal(choosers, 1);
  const sent = await sender.newTransfer(() => chooser.setFiles(file.path));
  await sent.root.waitFor();
});
