// Many files as one parcel: they are looked at, joined, told and listed bit by bit.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { blake3Of, KIB, MIB } from '../lib/files.mjs';
import { BRISK, SLACK } from '../lib/in-the-middle.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { PATIENCE } from '../lib/room.mjs';
import { scenario } from '../lib/scenario.mjs';
import { steady } from '../lib/steady.mjs';
import { Transfer } from '../lib/transfer.mjs';

/** More than are looked at in one go, joined in one Blob, and told in one message. */
const COUNT = 1_200;

/** Sizes that follow each other: nothing, short ones, and now and then one that is not joined. */
const SIZES = [0, 1, 17, 4 * KIB, 300, 16 * KIB + 1, 2];
const LONG = 200 * KIB;

/** What is sent, in its order. @typedef {import('../lib/files.mjs').MadeFile[]} Files */

/**
 * What a transfer's list of files has to show.
 * @param {Files} files
 */
function expectedOf(files) {
  return Promise.all(files.map(async ({ name, size, path }) => ({ path: name, size, blake3: await blake3Of(path) })));
}

/**
 * Opens a transfer's list of files, and reads all of it.
 * @param {import('../lib/transfer.mjs').Transfer} transfer
 * @param {Files} files
 */
async function listed(transfer, files) {
  await transfer.root.locator('summary', { hasText: `${files.length.toLocaleString('en')} files` }).click();
  const more = transfer.root.getByRole('button', { name: /^Show \d+ more/ });
  // Each click shows more, and the last of them leaves nothing to show.
  for (let shown = await transfer.byId('file').count(); shown < files.length; shown = await transfer.byId('file').count()) {
    await more.click();
    await transfer.byId('file').nth(shown).waitFor({ timeout: PATIENCE });
  }
  await transfer.root.locator(`[data-testid="file"][data-path="${files.at(-1)?.name}"][data-blake3]`).waitFor({ timeout: PATIENCE });
  return transfer.files();
}

/**
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {number} count
 * @param {(number: number) => number} sizeOf
 */
async function makeFiles(stage, count, sizeOf) {
  /** @type {Files} */
  const files = [];
  for (let number = 0; number < count; number += 1) files.push(await stage.file(`${String(number).padStart(4, '0')}.bin`, sizeOf(number)));
  return files;
}

/**
 * From now on a window notes what it says of looking at files.
 * @param {import('../lib/room.mjs').Room} room
 */
function noteWhatIsSaid({ page }) {
  return page.evaluate(() => {
    /** @type {Set<string>} */
    const said = new Set();
    const look = () => said.add(document.querySelector('[data-testid="looking"]')?.textContent ?? '');
    new MutationObserver(look).observe(document.body, { childList: true, characterData: true, subtree: true });
    Object.assign(window, { said });
  });
}

/**
 * What it said since then.
 * @param {import('../lib/room.mjs').Room} room
 * @returns {Promise<string[]>}
 */
function whatWasSaid({ page }) {
  return page.evaluate(() => [...Object(window).said]);
}

scenario('more than a thousand files arrive, each as it was', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const files = await makeFiles(stage, COUNT, (number) => (number % 600 === 599 ? LONG : SIZES[number % SIZES.length] ?? 0));
  await noteWhatIsSaid(sender);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const said = await whatWasSaid(sender);
  assert.ok(said.includes(`Looking at the files: 100 of ${COUNT.toLocaleString('en')}`), `it says how far it is: ${said.join(', ')}`);
  await sender.byId('looking').waitFor({ state: 'detached', timeout: PATIENCE });
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);

  const expected = await expectedOf(files);
  for (const transfer of [sent, received]) assert.deepEqual(await listed(transfer, files), expected);
  for (const place of [3, 511, 513, 599, COUNT - 2]) {
    const file = files[place];
    assert.ok(file);
    const { name, size, sha256 } = file;
    assert.deepEqual(await received.saveFile(name), { name, size, sha256 });
  }
}, { timeout: 180_000 });

scenario('two choices of many files at the same time become a transfer each', async (stage) => {
  const [sender, receiver] = await stage.pair();
  await noteWhatIsSaid(sender);
  const counts = [400, 250];
  // In one go, so that both are looked at side by side.
  await sender.byId('send-files').evaluate((input, counts) => {
    if (!(input instanceof HTMLInputElement)) throw new Error('this is no input');
    for (const count of counts) {
      const choice = new DataTransfer();
      for (let number = 0; number < count; number += 1) choice.items.add(new File(['x'.repeat(number)], `${count}-${number}.bin`));
      input.files = choice.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    }
  }, counts);
  await receiver.byId('accept').nth(1).waitFor({ timeout: PATIENCE });
  const said = await whatWasSaid(sender);
  assert.ok(said.some((text) => text.endsWith(' of 650')), `both are counted: ${said.join(', ')}`);
  await sender.byId('looking').waitFor({ state: 'detached', timeout: PATIENCE });
  const received = (await receiver.parcels('in')).map((parcel) => new Transfer(receiver.page, parcel));
  const arrived = [];
  for (const transfer of received) {
    await transfer.press('accept');
    await transfer.waitForState('done');
    arrived.push((await transfer.progress()).total);
  }
  // Their sizes are 0, 1, 2 and so on.
  assert.deepEqual(arrived.sort(), counts.map((count) => (count * (count - 1)) / 2).sort());
});

scenario('a sender whose page is reloaded goes on with many files, chosen again in another order', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const files = await makeFiles(stage, 300, (number) => 40 * KIB + number);
  const paths = files.map(({ path }) => path);
  proxy.limit = 2 * MIB;
  const sent = await sender.sendFiles(paths);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForMiddle(7 * MIB);
  await sender.reload();
  await Promise.all([sent.waitForState('waiting'), received.waitForState('waiting')]);
  // What was under way is no part of the rest: it was sent before.
  const before = await steady(() => proxy.up);
  const { bytes, total } = await received.progress();
  proxy.limit = BRISK;
  await sent.byId('choose-again').setInputFiles(paths.reverse());
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  const again = proxy.up - before;
  assert.ok(again <= (total - bytes) * 1.05 + SLACK, `${again} bytes were sent for the ${total - bytes} that were lacking`);
  assert.deepEqual(await listed(received, files), await expectedOf(files));
});

scenario('saving many files says how far it is, and saves each once', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const files = await makeFiles(stage, 40, (number) => number);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  /** @type {string[]} */
  const saved = [];
  receiver.page.on('download', (download) => saved.push(download.suggestedFilename()));
  const save = received.byId('save');
  await save.click();
  await received.root.locator('[data-testid="save"]', { hasText: /^Saving \d+ of 40$/ }).waitFor({ timeout: PATIENCE });
  assert.equal(await save.getAttribute('aria-disabled'), 'true');
  // As an impatient person does.
  await save.dispatchEvent('click');
  const remove = received.byId('remove');
  assert.equal(await remove.getAttribute('aria-disabled'), 'true', 'it waits for what is being saved');
  await remove.dispatchEvent('click');
  assert.equal(await received.byId('saved').getAttribute('data-state'), 'none');
  await received.root.locator('[data-testid="save"]:not([aria-disabled])', { hasText: /^Save one by one$/ }).waitFor({ timeout: PATIENCE });
  while (saved.length < files.length) await receiver.page.waitForEvent('download', { timeout: PATIENCE });
  await steady(() => saved.length);
  assert.deepEqual(saved.sort(), files.map(({ name }) => name));
  assert.equal(await received.byId('saved').getAttribute('data-state'), 'all');
  await receiver.reload();
  await received.root.locator('[data-testid="saved"][data-state="all"]').waitFor({ timeout: PATIENCE });
});

scenario('files that are still looked at when their room is left are not sent', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const files = await makeFiles(stage, 300, (number) => number);
  // The room is left in the middle of it.
  await sender.page.evaluate(() => {
    const post = Worker.prototype.postMessage;
    let posted = 0;
    Worker.prototype.postMessage = function (/** @type {any[]} */ ...message) {
      Reflect.apply(post, this, message);
      posted += 1;
      const leave = document.querySelector('[data-testid="leave"]');
      if (posted === 2 && leave instanceof HTMLElement) queueMicrotask(() => leave.click());
    };
  });
  await sender.byId('send-files').setInputFiles(files.map(({ path }) => path));
  await sender.page.getByText('The files were not sent').waitFor({ timeout: PATIENCE });
  await sender.page.getByTestId('join').waitFor({ timeout: PATIENCE });
  await receiver.waitForPeerGone('Ada');
  assert.equal(await receiver.byId('transfer').count(), 0, 'nothing was offered');
});

scenario('nothing can be saved while the list of files is half told', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const worker = await receiver.worker('engine');
  await worker.evaluate(() => {
    const post = self.postMessage.bind(self);
    /** @type {any[]} */
    const held = [];
    // Lists come in parts, and only the first of them begins at 0. As bytes, see src/packed.rs: an
    // output (1), to which app, with files (7), of a parcel of 16 letters, from this one on.
    self.postMessage = (/** @type {any} */ message) => {
      const [output, , files, letters] = message[0];
      if (output === 1 && files === 7 && letters === 16 && message[0][20] > 0) held.push(message);
      else post(message);
    };
    Object.assign(self, { held, letGo: () => held.forEach((message) => post(message)) });
  });
  const files = await makeFiles(stage, 600, () => 1);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  assert.ok((await worker.evaluate(() => Object(self).held.length)) > 0, 'a part is held back');
  await received.root.locator('summary', { hasText: '500 files' }).waitFor({ timeout: PATIENCE });
  await received.byId('remove').waitFor();
  assert.equal(await received.byId('save-zip').count(), 0);
  await worker.evaluate(() => Object(self).letGo());
  await received.byId('save-zip').waitFor({ timeout: PATIENCE });
  await received.root.locator('summary', { hasText: '600 files' }).waitFor({ timeout: PATIENCE });
});

scenario('a small file that changes after it was read ahead goes as it was chosen', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const worker = await sender.worker('engine');
  await worker.evaluate(() => {
    const read = Blob.prototype.arrayBuffer;
    Object.assign(self, {
      ahead: new Promise((resolve) => {
        Blob.prototype.arrayBuffer = async function () {
          const content = await read.call(this);
          // A byte of each is read first, to see whether that goes.
          if (content.byteLength > 1) resolve(content.byteLength);
          return content;
        };
      }),
    });
  });
  const files = await makeFiles(stage, 3, (number) => 1_000 + number);
  const expected = await expectedOf(files);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  assert.equal(await worker.evaluate(() => Object(self).ahead), 3_003);
  await writeFile(files[1]?.path ?? '', 'another day');
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.deepEqual(await received.files(), expected);
});
