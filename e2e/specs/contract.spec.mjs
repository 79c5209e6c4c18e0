// What docs/AUTOMATION.md promises to scripts: test ids, attributes and what they hold.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { executablePath } from '../lib/browser.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { blake3Of, KIB, makeFile, MIB, sha256Of } from '../lib/files.mjs';
import { missesOneFile } from '../lib/left-out.mjs';
import { RESULTS, scenario } from '../lib/scenario.mjs';

const run = promisify(execFile);

/** Slow enough to look in the middle of a transfer. */
const BYTES_A_SECOND = 4 * MIB;

scenario('the other devices are named, each with its own id', async (stage) => {
  const [ada, bo] = await stage.pair();
  const [atAda, atBo] = [await ada.peers(), await bo.peers()];
  assert.deepEqual([atAda.map(({ name }) => name), atBo.map(({ name }) => name)], [['Bo'], ['Ada']]);
  const ids = [...atAda, ...atBo].map(({ device }) => device);
  for (const id of ids) assert.match(id, /^[a-z0-9-]{8,}$/);
  assert.equal(new Set(ids).size, 2, 'each device has its own');
});

scenario('progress is told in numbers on both sides, up to verified files', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const files = [];
  for (const [name, size] of /** @type {const} */ ([['long.bin', 20 * MIB], ['empty.bin', 0], ['short.bin', 20 * KIB + 7]])) {
    files.push(await stage.file(name, size));
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  assert.equal(await sent.root.getAttribute('data-direction'), 'out');
  assert.equal(await received.root.getAttribute('data-direction'), 'in');
  await received.press('accept');

  const [atSender, atReceiver] = await Promise.all([sent.snapshotInTheMiddle(), received.snapshotInTheMiddle()]);
  for (const shown of [atSender, atReceiver]) {
    assert.equal(shown.role, 'progressbar');
    assert.ok(shown.percent > 0 && shown.percent < 100, `${shown.percent} %`);
    assert.ok(shown.bytes > 0 && shown.bytes < total, `${shown.bytes} bytes`);
    assert.equal(shown.total, total);
    assert.match(shown.rate, /^\d.*\/s$/);
    assert.match(shown.timeLeft, /\d/);
    assert.match(shown.title, /long\.bin|3 files/);
  }
  assert.equal(atSender.title, atReceiver.title, 'both call it the same');
  assert.deepEqual(atSender.receivers.map(({ name, state }) => ({ name, state })), [{ name: 'Bo', state: 'active' }]);
  const [bo] = atSender.receivers;
  assert.ok(bo && bo.bytes > 0 && bo.bytes < total, `the receiver holds ${bo?.bytes} bytes`);

  proxy.limit = Infinity;
  await Promise.all([received.waitForState('done'), sent.waitForState('done'), sent.waitForReceiver('Bo', 'done')]);
  const expected = await Promise.all(files.map(async ({ name, size, path }) => ({ path: name, size, blake3: await blake3Of(path) })));
  for (const transfer of [sent, received]) {
    assert.deepEqual(await transfer.progress(), { bytes: total, total, state: 'done' });
    assert.equal(await transfer.byId('transfer-progress').getAttribute('aria-valuenow'), '100');
    assert.deepEqual(await transfer.files(), expected);
  }
  assert.equal(await sent.byId('receiver').getAttribute('data-bytes'), String(total));
  for (const { name, size, sha256 } of files) {
    assert.deepEqual(await received.saveFile(name), { name, size, sha256 });
  }
}, { timeout: 180_000 });

scenario('a folder arrives with its paths', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const folder = join(await stage.folder(), 'journey');
  const expected = [];
  for (const [path, size] of /** @type {const} */ ([
    ['index.txt', 12],
    ['2026/may/day.bin', 40 * KIB],
    ['2026/june/day.bin', 17 * KIB],
    ['2026/été/日.bin', 1],
  ])) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    const inside = join(folder, ...parts);
    await mkdir(inside, { recursive: true });
    const made = await makeFile(inside, name, size);
    expected.push({ path: `journey/${path}`, size, blake3: await blake3Of(made.path), sha256: made.sha256 });
  }
  const sent = await sender.sendFolder(folder);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);

  const rows = expected.map(({ path, size, blake3: hash }) => ({ path, size, blake3: hash })).sort(byPath);
  for (const transfer of [sent, received]) assert.deepEqual((await transfer.files()).sort(byPath), rows);
  for (const { path, size, sha256 } of expected) {
    const saved = await received.saveFile(path);
    assert.deepEqual({ size: saved.size, sha256: saved.sha256 }, { size, sha256 }, path);
  }
});

scenario('the reason of a refusal and of a cancellation is told', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const file = await stage.file('unwanted.bin', 20 * MIB);

  const refused = await sender.sendFiles([file.path]);
  await (await receiver.incoming(refused)).press('decline');
  await refused.waitForReceiver('Bo', 'declined');
  await refused.byId('transfer-error').getByText(/declined/).waitFor();

  const cancelled = await sender.sendFiles([file.path]);
  const atReceiver = await receiver.incoming(cancelled);
  await atReceiver.press('accept');
  await atReceiver.waitForMiddle();
  await cancelled.press('cancel');
  await atReceiver.waitForState('cancelled');
  assert.match(await atReceiver.byId('transfer-error').innerText(), /sender cancelled/);
});

scenario('whoever waits for the end of a transfer finds the hashes of its files there', async (stage) => {
  const rooms = await stage.pair();
  for (const { page } of rooms) {
    await page.evaluate(() => {
      /** @type {(string | undefined)[][]} */
      const ends = [];
      // Called before the page does anything else.
      new MutationObserver(() => {
        for (const transfer of document.querySelectorAll('[data-testid=transfer][data-state=done]')) {
          const files = transfer.querySelectorAll('[data-testid=file]');
          ends.push([...files].map((file) => (file instanceof HTMLElement ? file.dataset.blake3 : undefined)));
        }
      }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-state'] });
      Object.assign(globalThis, { ends });
    });
  }
  const [sender, receiver] = rooms;
  const files = [await stage.file('one.bin', 3), await stage.file('two.bin', 40 * KIB)];
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  const hashes = (await received.files()).map(({ blake3 }) => blake3).toSorted();
  for (const { page } of rooms) {
    /** @type {string[][]} */
    const ends = await page.evaluate(() => Object(globalThis).ends);
    assert.deepEqual(ends[0]?.toSorted(), hashes, 'the hashes were there when the end was told');
  }
});

scenario('what there is no space for is refused with numbers, on both sides', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const worker = await receiver.worker('engine');
  const estimate = () => {
    StorageManager.prototype.estimate = async () => ({ quota: 3_000_000, usage: 1_900_000 });
  };
  await Promise.all([worker.evaluate(estimate), receiver.page.evaluate(estimate)]);
  const file = await stage.file('too-long.bin', 20 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  // Said before anyone decides, and not only when it is too late.
  await received.byId('transfer-space').getByText(/takes 21 MB, and 1\.1 MB are free/).waitFor();
  await received.press('accept');
  await received.waitForState('failed');
  assert.match(await received.byId('transfer-error').innerText(), /it takes 21 MB, and 1\.1 MB are free/);
  await sent.waitForReceiver('Bo', 'declined');
  await sent.byId('transfer-error').getByText(/no space left for it: 1\.1 MB are free there/).waitFor();
});

scenario('of a file that changes while it is sent both sides read, and the other one is saved', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  await missesOneFile(stage, sender, receiver);
});

scenario('the example for scripts does what it says', async (stage) => {
  const page = await readFile(new URL('../../docs/AUTOMATION.md', import.meta.url), 'utf8');
  const [, example = ''] = /```js\n(.+?)```/s.exec(page) ?? [];
  const script = example
    .replace('http://localhost:8080', stage.station.origin)
    .replace("'/usr/bin/chromium'", JSON.stringify(executablePath));
  const file = await stage.file('report.pdf', 300 * KIB);
  // Node looks for packages from the script's place on, not from the folder it is run in.
  const place = join(RESULTS, `example-${process.pid}.mjs`);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(place, script);
  try {
    const { stdout } = await run(process.execPath, [place], { cwd: await stage.folder(), timeout: 60_000 });
    assert.equal(stdout.trim(), await blake3Of(file.path));
    assert.equal(await sha256Of(join(await stage.folder(), 'saved', 'report.pdf')), file.sha256);
  } finally {
    await rm(place);
  }
});

/** @param {{ path: string }} one @param {{ path: string }} other */
function byPath(one, other) {
  return one.path < other.path ? -1 : 1;
}
