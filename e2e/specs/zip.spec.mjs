// Several received files are saved at once: as one zip archive, or into a folder.

import assert from 'node:assert/strict';
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesOf, filesBelow, unpack } from '../lib/archives.mjs';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { content, KIB, MIB, tempFolder } from '../lib/files.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { PATIENCE } from '../lib/room.mjs';
import { scenario } from '../lib/scenario.mjs';

/** A folder as people have them; two files are longer than a block, and end in the middle of one. */
const ALBUM = {
  'album/.hidden': 5,
  'album/empty.txt': 0,
  'album/long.bin': 40 * KIB + 1,
  'album/sub/deeper/Grüße 年度 🎉.txt': 300,
  'album/sub/long too.bin': 100 * KIB - 7,
};

/** When its files were modified, in seconds since 1970; odd, as the format's older field cannot be. */
const MODIFIED = 1_709_251_199;

/**
 * Makes a folder with these files.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {Record<string, number>} sizes by path
 */
async function makeFolder(stage, sizes) {
  const folder = await stage.folder();
  for (const [path, size] of Object.entries(sizes)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, Buffer.concat([...content(path, size)]));
    await utimes(file, MODIFIED, MODIFIED);
  }
  return folder;
}

/**
 * Sends the album from one window to another.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {import('../lib/room.mjs').Room} sender
 * @param {import('../lib/room.mjs').Room} receiver
 */
async function albumArrives(stage, sender, receiver) {
  const folder = join(await makeFolder(stage, ALBUM), 'album');
  const sent = await sender.sendFolder(folder);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  const expected = (await filesBelow(folder)).map((file) => ({ ...file, path: `album/${file.path}` }));
  assert.equal(expected.length, Object.keys(ALBUM).length);
  return { received, expected };
}

/**
 * Saves a transfer as zip.
 * @param {import('../lib/transfer.mjs').Transfer} received
 */
async function zipOf(received) {
  const [download] = await Promise.all([received.page.waitForEvent('download', { timeout: PATIENCE }), received.byId('save-zip').click()]);
  return { name: download.suggestedFilename(), path: await download.path() };
}

/**
 * Compares an archive with what was sent, and unpacks it for that.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {string} archive its path
 * @param {Awaited<ReturnType<typeof filesBelow>>} expected
 */
async function assertHas(stage, archive, expected) {
  const entries = await entriesOf(archive);
  assert.deepEqual(entries.toSorted(), expected.map(({ path, sha256 }) => [path, sha256]).toSorted());
  const { path: folder } = await stage.use(temporary());
  await unpack(archive, folder);
  assert.deepEqual(await filesBelow(folder), expected);
}

/** A folder that is gone after the test. */
async function temporary() {
  const { path, remove } = await tempFolder();
  return { path, stop: remove };
}

scenario('a folder is saved as one zip with its structure, names and times, also after a reload', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const { received, expected } = await albumArrives(stage, sender, receiver);
  assert.equal(await received.byId('saved').getAttribute('data-state'), 'none');
  const archive = await zipOf(received);
  assert.equal(archive.name, 'album.zip');
  await assertHas(stage, archive.path, expected);
  await received.root.locator('[data-testid="saved"][data-state="all"]').waitFor({ timeout: PATIENCE });

  await receiver.reload();
  await received.byId('save-zip').waitFor({ timeout: PATIENCE });
  assert.equal(await received.byId('saved').getAttribute('data-state'), 'all');
  await assertHas(stage, (await zipOf(received)).path, expected);
});

scenario('over plain http a folder is saved as zip from memory; a single file has no zip', async (stage) => {
  const origin = `http://${INSECURE_HOST}:${stage.station.port}`;
  const [sender, receiver] = await stage.pair({}, {}, { origin });
  const { received, expected } = await albumArrives(stage, sender, receiver);
  assert.equal(await received.byId('save-folder').count(), 0, 'the browser has no folders there');
  await assertHas(stage, (await zipOf(received)).path, expected);
  const alone = await receiver.incoming(await sender.sendFiles([(await stage.file('alone.bin', 1)).path]));
  await alone.press('accept');
  await alone.waitForState('done');
  await alone.byId('save').waitFor();
  assert.equal(await alone.byId('save-zip').count(), 0);
});

scenario('a folder is saved into the chosen one with its structure, and overwrites nothing', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await chooses(receiver.page, ['album']);
  const { received, expected } = await albumArrives(stage, sender, receiver);
  await received.byId('save-folder').click();
  await received.root.locator('[data-testid="saved"][data-state="all"]').waitFor({ timeout: PATIENCE });
  // One of this name was there.
  const numbered = (/** @type {string} */ number) =>
    expected.map(({ path, sha256 }) => [path.replace('album/', `album${number}/`), sha256]);
  assert.deepEqual(await chosen(receiver.page), [['album', 'was here before'], ...numbered(' (2)')]);
  await received.root.locator('[data-testid="save-folder"]:not([aria-disabled])').click();
  await receiver.page.waitForFunction(() => Object(window).chosenTimes === 2);
  await received.root.locator('[data-testid="save-folder"]:not([aria-disabled])').waitFor({ timeout: PATIENCE });
  assert.deepEqual(await chosen(receiver.page), [['album', 'was here before'], ...numbered(' (2)'), ...numbered(' (3)')]);
});

scenario('saving into a folder says how far it is, can be stopped, and names the file that does not go', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await chooses(receiver.page, []);
  const { received } = await albumArrives(stage, sender, receiver);
  // The third file is not written before the test says so.
  await receiver.page.evaluate(() => {
    const write = FileSystemWritableFileStream.prototype.write;
    let writes = 0;
    const held = new Promise((resolve) => Object.assign(window, { letGo: resolve }));
    FileSystemWritableFileStream.prototype.write = async function (data) {
      writes += 1;
      if (writes === 2) await held;
      if (writes > 3) throw new DOMException('no space is left', 'QuotaExceededError');
      return write.call(this, data);
    };
  });
  await received.byId('save-folder').click();
  await received.root.locator('[data-testid="save-folder"][aria-disabled]', { hasText: /^Saving \d.* of \d/ }).waitFor({ timeout: PATIENCE });
  await received.byId('stop-saving').click();
  await receiver.page.evaluate(() => Object(window).letGo());
  await received.byId('stop-saving').waitFor({ state: 'detached', timeout: PATIENCE });
  assert.equal(await received.byId('saved').getAttribute('data-state'), 'some');
  // The file that it was stopped in is not there in part.
  assert.deepEqual((await chosen(receiver.page)).map(([path]) => path), ['album/.hidden', 'album/empty.txt']);

  await received.byId('save-folder').click();
  await receiver.page.getByText('no space is left').filter({ hasText: 'album/long.bin' }).waitFor({ timeout: PATIENCE });
  await received.byId('stop-saving').waitFor({ state: 'detached', timeout: PATIENCE });
});

scenario('the zip of a parcel of which a file was left out has the others', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const files = [await stage.file('first.bin', 100 * KIB), await stage.file('diary.bin', 24 * MIB), await stage.file('last.bin', 5 * KIB)];
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForMiddle(MIB);
  await writeFile(files[1]?.path ?? '', 'another day');
  await received.waitForState('failed');
  const archive = await zipOf(received);
  const here = files.filter(({ name }) => name !== 'diary.bin').map(({ name, sha256 }) => [name, sha256]);
  assert.deepEqual(await entriesOf(archive.path), here);
});

scenario('ten thousand files are one zip, and the page stays quick', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const count = 10_000;
  // In one go: files on disk take the test longer than the app.
  const sent = await sender.newTransfer(() =>
    sender.byId('send-files').evaluate((input, count) => {
      if (!(input instanceof HTMLInputElement)) throw new Error('this is no input');
      const choice = new DataTransfer();
      for (let number = 0; number < count; number += 1) choice.items.add(new File(['x'.repeat(number % 50)], `${number}.txt`));
      input.files = choice.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    }, count),
  );
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done', 120_000);
  await received.byId('save-zip').waitFor({ timeout: PATIENCE });
  assert.equal(await received.byId('save').count(), 0, 'nobody wants ten thousand downloads');
  await receiver.page.evaluate(() => {
    Object.assign(window, { longest: 0 });
    const watch = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) Object(window).longest = Math.max(Object(window).longest, duration);
    });
    watch.observe({ type: 'longtask' });
  });
  const archive = await zipOf(received);
  assert.equal(archive.name, '0.txt and 9,999 more.zip');
  const entries = await entriesOf(archive.path);
  assert.equal(entries.length, count);
  const longest = await receiver.page.evaluate(() => Object(window).longest);
  console.log(`the page was busy for ${Math.round(longest)} ms at most; the archive has ${(await stat(archive.path)).size} bytes`);
  assert.ok(longest < 1_000, `the page was busy for ${longest} ms`);
}, { timeout: 300_000 });

/**
 * From now on a page's user chooses a folder in which there are files of these names.
 * @param {import('playwright-core').Page} page
 * @param {string[]} names
 */
function chooses(page, names) {
  return page.evaluate(async (names) => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('chosen', { create: true });
    for (const name of names) {
      const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
      await file.write('was here before');
      await file.close();
    }
    Object.assign(window, {
      chosenTimes: 0,
      showDirectoryPicker: async () => {
        Object(window).chosenTimes += 1;
        return folder;
      },
    });
  }, names);
}

/**
 * What is in that folder: paths, and SHA-256 of what was saved.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<string[][]>} in order of paths
 */
async function chosen(page) {
  const found = await page.evaluate(async () => {
    /** @type {string[][]} */
    const found = [];
    /** @param {FileSystemDirectoryHandle} folder @param {string} path */
    const look = async (folder, path) => {
      for await (const [name, handle] of Object(folder).entries()) {
        if (handle.kind === 'directory') {
          await look(handle, `${path}${name}/`);
          continue;
        }
        const bytes = await (await handle.getFile()).arrayBuffer();
        const text = new TextDecoder().decode(bytes);
        const digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))];
        const hash = digest.map((byte) => byte.toString(16).padStart(2, '0')).join('');
        found.push([`${path}${name}`, text === 'was here before' ? text : hash]);
      }
    };
    const root = await navigator.storage.getDirectory();
    await look(await root.getDirectoryHandle('chosen'), '');
    return found;
  });
  return found.sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
}
