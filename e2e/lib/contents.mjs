// What every broker must carry: contents of all sizes and names, from one window to another.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { content, KIB, MIB } from './files.mjs';
import { scenario } from './scenario.mjs';

/** Around one block, and the smallest. */
const SIZES = [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1];

/**
 * Names that are hard to carry: what they must be shown as where they arrive, if that is something
 * else, and what Chromium calls the saved file, if it replaces letters that some systems refuse.
 * @type {{ name: string, safe?: string, kept?: string }[]}
 */
const NAMES = [
  { name: 'تقرير السنة.pdf' },
  { name: '年度报告（最终）.docx' },
  { name: '🎉 party 👩‍👩‍👧.jpg', kept: '🎉 party 👩_👩_👧.jpg' },
  { name: `it's "quoted".txt`, kept: `it's _quoted_.txt` },
  { name: '../../escape.txt', safe: 'escape.txt' },
];

/**
 * How a broker is reached; read when a test runs.
 * @typedef {() => import('./room.mjs').JoinFields} Connection
 */

/**
 * Declares the tests of one broker.
 * @param {string} broker its name
 * @param {Connection} connection
 */
export function carriesEverything(broker, connection) {
  for (const size of SIZES) {
    scenario(`${broker}: a file of ${size} bytes arrives`, async (stage) => {
      await arrives(stage, connection(), [await stage.file(`${size}.bin`, size)]);
    });
  }

  scenario(`${broker}: 100 MB arrive`, async (stage) => {
    await arrives(stage, connection(), [await stage.file('large.bin', 100 * MIB)], 240_000);
  }, { timeout: 300_000 });

  scenario(`${broker}: five files at once arrive`, async (stage) => {
    const files = [];
    for (const [index, size] of [0, 1, 300_000, 16 * KIB, 2 * MIB].entries()) {
      files.push(await stage.file(`part ${index}.bin`, size));
    }
    await arrives(stage, connection(), files);
  });

  scenario(`${broker}: names in any script and of any shape are kept or made safe`, async (stage) => {
    const [sender, receiver] = await stage.pair(connection());
    const contents = NAMES.map(({ name }, index) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.concat([...content(name, index * 9 * KIB + 1)]),
    }));
    const sent = await sender.sendFiles(contents);
    const received = await receiver.incoming(sent);
    await received.press('accept');
    await received.waitForState('done');

    const shown = await received.files();
    assert.deepEqual(shown.map(({ path }) => path), NAMES.map(({ name, safe = name }) => safe));
    assert.deepEqual(
      await received.save(NAMES.length),
      NAMES.map(({ name, safe = name, kept = safe }, index) => {
        const bytes = contents[index]?.buffer ?? Buffer.alloc(0);
        return { name: kept, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
      }),
    );
  });

  scenario(`${broker}: a text arrives`, async (stage) => {
    const [sender, receiver] = await stage.pair(connection());
    const text = 'Meet at 7 — 七点见 — <b>not bold</b> & "quoted"\nsecond line';
    const sent = await sender.sendText(text);
    // Texts are small and harmless: they are shown without being asked for.
    const received = await receiver.incoming(sent);
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    assert.equal(await received.byId('transfer-text').textContent(), text, 'a text is kept as it is, never markup');
  });
}

/**
 * Sends files from one window to another and compares what is saved there.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {import('./room.mjs').JoinFields} connection
 * @param {import('./files.mjs').MadeFile[]} files
 * @param {number} [milliseconds] how long it may take
 * @param {{ origin?: string }} [how] where the app is served
 * @returns the two windows
 */
export async function arrives(stage, connection, files, milliseconds = 60_000, how = {}) {
  const [sender, receiver] = await stage.pair(connection, connection, how);
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done', milliseconds);
  await sent.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, files);
  return { sender, receiver };
}

/**
 * Saves a transfer and compares names and contents with what was sent.
 * @param {import('./transfer.mjs').Transfer} received
 * @param {import('./files.mjs').MadeFile[]} files
 */
export async function assertSaved(received, files) {
  const saved = await received.save(files.length);
  assert.deepEqual(saved, files.map(({ name, size, sha256 }) => ({ name, size, sha256 })));
}
