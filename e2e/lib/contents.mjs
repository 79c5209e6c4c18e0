// What every broker must carry: contents of all sizes and names, from one window to another.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { SOCKET_FAILED } from './browser.mjs';
import { content, KIB, MIB } from './files.mjs';
import { scenario } from './scenario.mjs';

/** What is sent together: the smallest, around one block, and more. */
const SIZES = [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 300_000, 2 * MIB];

/** What is sent alone, so large that whatever a broker limits shows. */
const LARGE = 20 * MIB;

/**
 * Names that are hard to carry: what they must be shown as where they arrive, if that is something
 * else, and what Chromium calls the saved file, if it replaces letters that some systems refuse.
 * @type {{ name: string, safe?: string, kept?: string }[]}
 */
const NAMES = [
  { name: 'تقرير السنة.pdf' },
  { name: '年度报告（最终）.docx' },
  { name: '🎉 party 👩‍👩‍👧.jpg', kept: '🎉 party 👩_👩_👧.jpg' },
  { name: `it's "quoted".txt`, safe: `it's _quoted_.txt` },
  { name: '../../escape.txt', safe: 'escape.txt' },
];

/**
 * How a broker is reached; read when a test runs.
 * @typedef {() => import('./room.mjs').JoinFields} Connection
 */

/**
 * What a broker is known for, and what of it the app must find out and show.
 * @typedef {object} Known
 * @property {'MQTT 5' | 'MQTT 3.1.1'} version what it speaks with the app
 * @property {Connection} [receiver] how the receiver reaches it, if not as the sender
 * @property {{ least: number, most: number }} [limit] between which numbers of bytes lies the message
 *   size that is shown as its limit; without one, none is shown
 * @property {boolean} [compresses] whether it compresses WebSocket messages, which is shown as well
 * @property {boolean} [hangsUp] whether it tells of its limit by hanging up
 * @property {number} [milliseconds] how long the large file may take
 */

/**
 * Declares the test that every broker passes.
 * @param {string} broker its name
 * @param {Connection} connection
 * @param {Known} known
 */
export function carriesEverything(broker, connection, { version, receiver: to = connection, limit, compresses, hangsUp, milliseconds = 60_000 }) {
  scenario(`${broker}: texts and files of all sizes and names arrive, and version and limit are shown`, async (stage) => {
    if (hangsUp) stage.expectNoise(SOCKET_FAILED);
    const [sender, receiver] = await stage.pair(connection(), to());
    await textArrives(sender, receiver);
    // First, so that what the broker limits is found out on the way.
    await filesArrive(sender, receiver, [await stage.file('large.bin', LARGE)], milliseconds);
    await namesArrive(sender, receiver);
    const files = [];
    for (const size of SIZES) files.push(await stage.file(`${size}.bin`, size));
    await filesArrive(sender, receiver, files, milliseconds);

    const status = await sender.statusText();
    assert.ok(status.includes(`${version} `), `${version} is spoken: ${status}`);
    if (compresses) {
      assert.match(await sender.byId('limit').innerText(), /compresses/);
      return;
    }
    const shown = await sender.limit();
    if (limit) {
      assert.ok(shown !== undefined && shown >= limit.least && shown <= limit.most, `the limit is shown: ${shown}`);
    } else {
      assert.equal(shown, undefined);
    }
  }, { timeout: 360_000 });
}

/**
 * @param {import('./room.mjs').Room} sender
 * @param {import('./room.mjs').Room} receiver
 */
async function textArrives(sender, receiver) {
  const text = 'Meet at 7 — 七点见 — <b>not bold</b> & "quoted"\nsecond line';
  const sent = await sender.sendText(text);
  // Texts are small and harmless: they are shown without being asked for.
  const received = await receiver.incoming(sent);
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  assert.equal(await received.byId('transfer-text').textContent(), text, 'a text is kept as it is, never markup');
}

/**
 * @param {import('./room.mjs').Room} sender
 * @param {import('./room.mjs').Room} receiver
 */
async function namesArrive(sender, receiver) {
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
  assert.deepEqual(shown.map(({ path }) => path).sort(), NAMES.map(({ name, safe = name }) => safe).sort(), 'names are kept or made safe');
  const expected = NAMES.map(({ name, safe = name, kept = safe }, index) => {
    const bytes = contents[index]?.buffer ?? Buffer.alloc(0);
    return { name: kept, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  assert.deepEqual((await received.save(NAMES.length)).sort(byName), expected.sort(byName));
}

/**
 * Sends files together and compares what is saved.
 * @param {import('./room.mjs').Room} sender
 * @param {import('./room.mjs').Room} receiver
 * @param {import('./files.mjs').MadeFile[]} files
 * @param {number} milliseconds how long it may take
 */
export async function filesArrive(sender, receiver, files, milliseconds = 60_000) {
  const sent = await sender.sendFiles(files.map(({ path }) => path));
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done', milliseconds);
  await sent.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, files);
}

/**
 * Lists are in order of paths, whatever the order of choosing.
 * @param {{ name: string }} one
 * @param {{ name: string }} other
 */
const byName = (one, other) => (one.name < other.name ? -1 : 1);

/**
 * Sends files from one window to another and compares what is saved there.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {import('./room.mjs').JoinFields} connection
 * @param {import('./files.mjs').MadeFile[]} files
 * @param {{ to?: import('./room.mjs').JoinFields, milliseconds?: number, origin?: string }} [how] the
 *   receiver reaches the broker, how long it may take, where the app is served
 * @returns the two windows
 */
export async function arrives(stage, connection, files, { to = connection, milliseconds = 60_000, origin } = {}) {
  const [sender, receiver] = await stage.pair(connection, to, { origin });
  await filesArrive(sender, receiver, files, milliseconds);
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
