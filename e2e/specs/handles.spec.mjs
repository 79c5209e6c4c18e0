// Where the browser remembers which files were dropped, a sender goes on after a reload without
// choosing them again.

import assert from 'node:assert/strict';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

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
  return sender.reload({ key: KEY, name: 'Ada', broker: proxy.broker });
}

scenario('a sender whose page is reloaded goes on by itself with what was dropped', async (stage) => {
  const transfer = await inTheMiddle(stage, 8 * MIB, { send: drop });
  const { proxy, file, sent, received } = transfer;
  const before = proxy.up;
  await reload(transfer, { query: 'granted' });
  proxy.limit = Infinity;
  await received.waitForState('done');
  await sent.waitForState('done');
  assert.ok(proxy.up - before < 20 * MIB, `${proxy.up - before} bytes were sent after the reload`);
  await assertSaved(received, [file]);
});

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
