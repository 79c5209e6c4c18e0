// Many files as one parcel: they are looked at, joined, told and listed bit by bit.

import assert from 'node:assert/strict';
import { blake3Of, KIB, makeFile, MIB } from '../lib/files.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { PATIENCE } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

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
  await transfer.root.locator('summary', { hasText: `${files.length} files` }).click();
  const more = transfer.root.getByRole('button', { name: /^Show \d+ more/ });
  // Each click shows more, and the last of them leaves nothing to show.
  for (let shown = await transfer.byId('file').count(); shown < files.length; shown = await transfer.byId('file').count()) {
    await more.click();
    await transfer.byId('file').nth(shown).waitFor({ timeout: PATIENCE });
  }
  await transfer.root.locator(`[data-testid="file"][data-path="${files.at(-1)?.name}"][data-blake3]`).waitFor({ timeout: PATIENCE });
  return transfer.files();
}

scenario('more than a thousand files arrive, each as it was', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const folder = await stage.folder();
  /** @type {Files} */
  const files = [];
  for (let number = 0; number < COUNT; number += 1) {
    const size = number % 600 === 599 ? LONG : SIZES[number % SIZES.length] ?? 0;
    files.push(await makeFile(folder, `${String(number).padStart(4, '0')}.bin`, size));
  }
  await sender.page.evaluate(() => {
    /** @type {string[]} */
    const said = [];
    const look = () => said.push(document.querySelector('[data-testid="looking"]')?.textContent ?? '');
    new MutationObserver(look).observe(document.body, { childList: true, characterData: true, subtree: true });
    Object.assign(window, { said });
  });
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const said = await sender.page.evaluate(() => Object(window).said);
  assert.ok(said.includes(`Looking at the files: 100 of ${COUNT}`), `it says how far it is: ${[...new Set(said)].join(', ')}`);
  await sender.page.getByTestId('looking').waitFor({ state: 'detached', timeout: PATIENCE });
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
  const folder = await stage.folder();
  const choices = [];
  for (const [letter, count] of /** @type {const} */ ([['a', 400], ['b', 250]])) {
    const files = [];
    for (let number = 0; number < count; number += 1) files.push(await makeFile(folder, `${letter}${number}.bin`, number));
    choices.push(files);
  }
  await Promise.all(choices.map((files) => sender.byId('send-files').setInputFiles(files.map(({ path }) => path))));
  await receiver.byId('accept').nth(1).waitFor({ timeout: PATIENCE });
  await sender.page.getByTestId('looking').waitFor({ state: 'detached', timeout: PATIENCE });
  const titles = await receiver.byId('transfer').getByTestId('transfer-title').allInnerTexts();
  assert.deepEqual(titles.map((title) => /\d+ files|\d+ more/.exec(title)?.[0]).sort(), ['249 more', '399 more'], titles.join());
  await receiver.byId('accept').first().click();
  await receiver.byId('accept').first().click();
  const done = receiver.page.locator('[data-testid="transfer"][data-state="done"]');
  await done.nth(1).waitFor({ timeout: PATIENCE });
  for (const files of choices) {
    const total = files.reduce((sum, { size }) => sum + size, 0);
    assert.equal(await receiver.page.locator(`[data-testid="transfer"][data-total="${total}"][data-state="done"]`).count(), 1);
  }
});

scenario('a sender whose page is reloaded goes on with many files, chosen again in another order', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const folder = await stage.folder();
  const files = [];
  for (let number = 0; number < 300; number += 1) files.push(await makeFile(folder, `${number}.bin`, 40 * KIB + number));
  proxy.limit = 2 * MIB;
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForMiddle(3 * MIB);
  await sender.reload({ key: KEY, name: 'Ada', broker: proxy.broker });
  await sent.waitForState('waiting');
  const { bytes } = await received.progress();
  const before = proxy.up;
  proxy.limit = Infinity;
  await sent.byId('choose-again').setInputFiles(files.map(({ path }) => path).reverse());
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  assert.ok(proxy.up - before < (total - bytes) * 1.05 + MIB, `${proxy.up - before} bytes were sent for the ${total - bytes} that were lacking`);
  assert.deepEqual(await listed(received, files), await expectedOf(files));
});

scenario('files that are still looked at when their room is left are not sent', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const folder = await stage.folder();
  const files = [];
  for (let number = 0; number < 300; number += 1) files.push(await makeFile(folder, `${number}.bin`, number));
  // The room is left in the middle of it.
  await sender.page.evaluate(() => {
    const size = Object.getOwnPropertyDescriptor(Blob.prototype, 'size') ?? {};
    let looked = 0;
    Object.defineProperty(Blob.prototype, 'size', {
      ...size,
      get() {
        looked += 1;
        const leave = document.querySelector('[data-testid="leave"]');
        if (looked === 150 && leave instanceof HTMLElement) leave.click();
        return size.get?.call(this);
      },
    });
  });
  await sender.byId('send-files').setInputFiles(files.map(({ path }) => path));
  await sender.page.getByText('The files were not sent').waitFor({ timeout: PATIENCE });
  await sender.page.getByTestId('join').waitFor({ timeout: PATIENCE });
  await receiver.waitForPeerGone('Ada');
  assert.equal(await receiver.byId('transfer').count(), 0, 'nothing was offered');
});
