// What every engine must do: send to and receive from Chromium and itself, resume, and save.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { KIB, MIB } from '../files.mjs';
import { BRISK } from '../in-the-middle.mjs';
import { proxyTo } from '../proxy.mjs';
import { scenario } from '../scenario.mjs';
import { hasFileStorage, SOCKET_FAILED } from './in-common.mjs';
import { goesOnAfterReloads } from './reloads.mjs';

/** Around one block, the smallest, and several frames; names in scripts that are hard to carry. */
const FILES = /** @type {const} */ ([
  ['empty.txt', 0],
  ['one byte.bin', 1],
  ['تقرير السنة.pdf', 16 * KIB - 1],
  ['🎉 party.jpg', 16 * KIB],
  ['年度报告（最终）.docx', 16 * KIB + 1],
  ['several blocks.bin', 3 * MIB + 7],
]);

/** More files than any browser begins to save in one moment by itself. */
const MANY = 15;

/** Names of people, as hard to carry. */
const ADA = 'Ada 🎉';
const BO = 'بو';

/** What may be carried besides: meeting again, and what arrived while progress was read. */
const SLACK = MIB / 2;

/** Reconnecting backs off, so coming back may take a while. */
const RECONNECT_PATIENCE = 60_000;

/**
 * Declares the tests of one engine.
 * @param {string} name the engine's
 * @param {() => Promise<import('./page.mjs').Engine>} launch
 */
export function doesTheMainJob(name, launch) {
  /** @type {import('./page.mjs').Engine} */
  let engine;
  before(async () => {
    engine = await launch();
  });
  after(() => engine?.close());

  const directions = [
    { way: `${name} to Chromium`, engines: () => ({ sender: engine }) },
    { way: `Chromium to ${name}`, engines: () => ({ receiver: engine }) },
    { way: `${name} to ${name}`, engines: () => ({ sender: engine, receiver: engine }) },
  ];
  for (const { way, engines } of directions) {
    scenario(`${way}: files of all sizes, names in any script and a text arrive and are saved`, async (stage) => {
      const { sender, receiver } = await meet(stage, engines());
      const files = [];
      for (const [file, size] of FILES) files.push(await stage.file(file, size));
      const sent = await sender.sendFiles(files.map(({ path }) => path));
      const received = await receiver.incoming(sent);
      await received.press('accept');
      await received.waitForState('done');
      await sent.waitForState('done');
      await sent.waitForReceiver(BO, 'done');
      assert.deepEqual((await received.files()).map(({ path, size }) => [path, size]), FILES);
      assert.deepEqual(byName(await received.save(files.length)), byName(files.map(saved)));
      // One of them again, by itself.
      const single = files[3];
      assert.ok(single);
      assert.deepEqual(await received.saveFile(single.name), saved(single));

      const text = 'Meet at 7 — 七点见 — نلتقي — 🎉 <b>not bold</b> & "quoted"';
      const answer = await receiver.sendText(text);
      const arrived = await sender.incoming(answer);
      await Promise.all([arrived.waitForState('done'), answer.waitForState('done')]);
      assert.equal(await arrived.byId('transfer-text').textContent(), text);
    });
  }

  for (const side of /** @type {const} */ (['sender', 'receiver'])) {
    scenario(`${name} as the ${side} resumes after its connection is cut`, async (stage) => {
      stage.expectNoise(SOCKET_FAILED);
      const proxy = await stage.use(proxyTo(stage.station.broker));
      proxy.limit = 4 * MIB;
      const { sender, receiver } = await meet(stage, { [side]: engine }, { [side]: { broker: proxy.broker } });
      const file = await stage.file('cut.bin', 16 * MIB);
      const sent = await sender.sendFiles([file.path]);
      const received = await receiver.incoming(sent);
      await received.press('accept');
      await received.waitForMiddle(4 * MIB);
      const cut = side === 'sender' ? sender : receiver;
      await proxy.close();
      await cut.page.locator('[data-testid="status"]:not([data-state="online"])').waitFor({ state: 'attached' });
      const { bytes } = await received.progress();
      assert.ok(bytes >= 4 * MIB && bytes < file.size, `${bytes} bytes were kept`);
      const before = side === 'sender' ? proxy.up : proxy.down;
      proxy.limit = BRISK;
      await proxy.open();
      await cut.waitForStatus('online', RECONNECT_PATIENCE);
      await received.waitForState('done', 90_000);
      await sent.waitForState('done');
      assert.deepEqual(await received.save(1), [saved(file)]);
      const carried = (side === 'sender' ? proxy.up : proxy.down) - before;
      const missing = file.size - bytes;
      assert.ok(carried <= missing * 1.01 + SLACK, `${carried} bytes were carried for ${missing} that were missing`);
    }, { timeout: 180_000 });
  }

  goesOnAfterReloads(name, () => engine);

  scenario(`${name} saves all of many files, however slow it is to begin`, async (stage) => {
    const { sender, receiver } = await meet(stage, { receiver: engine });
    const files = [];
    for (let index = 0; index < MANY; index += 1) files.push(await stage.file(`file ${index}.bin`, index));
    const received = await receiver.incoming(await sender.sendFiles(files.map(({ path }) => path)));
    await received.press('accept');
    await received.waitForState('done');
    // Without the pauses between them, each file is asked for before the one before it has begun.
    await receiver.page.evaluate(() => {
      const original = window.setTimeout;
      window.setTimeout = /** @type {any} */ ((/** @type {TimerHandler} */ act, /** @type {number} */ delay) =>
        original(act, delay <= 1_000 ? 0 : delay));
    });
    assert.deepEqual(byName(await received.save(files.length)), byName(files.map(saved)));
  });

  scenario(`${name}: what a page complains about is heard, and fails a test`, async (stage) => {
    const room = await stage.open('Ada', {}, { engine });
    stage.assertQuiet();
    await room.page.evaluate(async () => {
      const happened = [
        new Promise((resolve) => addEventListener('error', resolve, { once: true })),
        new Promise((resolve) => document.addEventListener('securitypolicyviolation', resolve, { once: true })),
      ];
      console.error('provoked: error');
      console.warn('provoked: warning');
      setTimeout(() => {
        throw new Error('provoked: exception');
      });
      // The policy allows no such picture.
      document.body.append(Object.assign(new Image(), { src: 'http://example.invalid/provoked.png' }));
      await Promise.all(happened);
    });
    const expected = [/provoked: error/, /provoked: warning/, /provoked: exception/, /example\.invalid/];
    for (const pattern of expected) await stage.noiseOf('Ada').waitFor(pattern);
    assert.throws(() => stage.assertQuiet(), /the window Ada complains/);
    stage.expectNoise(...expected);
  });

  scenario(`${name} says what it lacks for storage, and only that`, async (stage) => {
    const room = await stage.join(ADA, {}, { engine });
    const notice = room.byId('storage-notice');
    if (!(await hasFileStorage(room))) {
      await notice.waitFor();
      assert.match(await notice.innerText(), /file storage.*memory/s, 'what is lacking and what follows');
    } else {
      assert.equal(await notice.count(), 0);
    }
  });
}

/**
 * Two devices that see each other, in Chromium unless said otherwise.
 * @param {import('../scenario.mjs').Stage} stage
 * @param {{ sender?: import('./page.mjs').Engine, receiver?: import('./page.mjs').Engine }} engines
 * @param {{ sender?: import('../room.mjs').JoinFields, receiver?: import('../room.mjs').JoinFields }} [connections]
 */
async function meet(stage, engines, connections = {}) {
  const [sender, receiver] = await Promise.all([
    stage.join(ADA, connections.sender, { engine: engines.sender }),
    stage.join(BO, connections.receiver, { engine: engines.receiver }),
  ]);
  await Promise.all([sender.waitForPeer(BO), receiver.waitForPeer(ADA)]);
  return { sender, receiver };
}

/**
 * What saving must give.
 * @param {import('../files.mjs').MadeFile} file
 * @returns {import('../transfer.mjs').SavedFile}
 */
function saved({ name, size, sha256 }) {
  return { name, size, sha256 };
}

/**
 * Large files may be complete after small ones that were saved later.
 * @param {import('../transfer.mjs').SavedFile[]} files
 */
function byName(files) {
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
