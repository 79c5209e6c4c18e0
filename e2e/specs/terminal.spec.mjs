// A terminal and browsers in the same room.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSaved } from '../lib/contents.mjs';
import { MIB, sha256Of } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';
import { Command } from '../lib/terminal.mjs';

/** @typedef {import('../lib/scenario.mjs').Stage} Stage */

/**
 * Ways into one room: the window's, and the terminal's.
 * @type {Record<string, (stage: Stage) => Promise<{ window: string, terminal: string }>>}
 */
const WAYS = {
  station: async ({ station: { broker } }) => ({ window: broker, terminal: broker }),
  'mosquitto over TCP': async (stage) => {
    const { broker, observerUrl } = await stage.use(startMosquitto());
    return { window: broker, terminal: observerUrl };
  },
  'mosquitto over WebSockets': async (stage) => {
    const { broker } = await stage.use(startMosquitto());
    return { window: broker, terminal: broker };
  },
};

/**
 * A folder for a command.
 * @param {Stage} stage
 * @param {string} name
 */
async function folderOf(stage, name) {
  const folder = join(await stage.folder(), name);
  await mkdir(folder);
  return folder;
}

for (const [name, way] of Object.entries(WAYS)) {
  scenario(`${name}: what a terminal sends arrives in a window`, async (stage) => {
    const { window, terminal } = await way(stage);
    const receiver = await stage.join('Ada', { broker: window });
    const file = await stage.file('photo.jpg', 3 * MIB);
    const sender = new Command(stage, await folderOf(stage, 'home'), terminal, ['send', file.path, '--name', 'Bo']);
    const { parcel } = await sender.until('offer');
    const received = await receiver.incoming(/** @type {any} */ ({ parcel }));
    await received.press('accept');
    await received.waitForState('done');
    await sender.until('receipt', (event) => event.name === 'Ada');
    await sender.end();
    await assertSaved(received, [file]);
  });

  scenario(`${name}: what a window sends arrives at a terminal`, async (stage) => {
    const { window, terminal } = await way(stage);
    const sender = await stage.join('Ada', { broker: window });
    const folder = await folderOf(stage, 'home');
    const receiver = new Command(stage, folder, terminal, ['receive', '--yes', '--stay', '--name', 'Bo']);
    await sender.waitForPeer('Bo');
    const file = await stage.file('photo.jpg', 3 * MIB);
    const sent = await sender.sendFiles([file.path]);
    await sent.waitForReceiver('Bo', 'done');
    const saved = await receiver.until('saved');
    assert.equal(saved.bytes, file.size);
    assert.equal(await sha256Of(join(folder, 'photo.jpg')), file.sha256);
    const text = 'Meet at 7 — 七点见';
    const told = await sender.sendText(text);
    await told.waitForReceiver('Bo', 'done');
    assert.equal((await receiver.until('message')).text, text);
    receiver.child.kill('SIGINT');
    await receiver.end(130);
    await sender.waitForPeerGone('Bo');
  });
}

scenario('two windows and a terminal share one upload', async (stage) => {
  const { broker } = stage.station;
  const [ada, bo] = await stage.pair();
  const folder = await folderOf(stage, 'home');
  const terminal = new Command(stage, folder, broker, ['receive', '--yes', '--name', 'Cy']);
  await ada.waitForPeer('Cy');
  const cleo = await stage.join('Cleo');
  const file = await stage.file('photo.jpg', 3 * MIB);
  const sent = await ada.sendFiles([file.path]);
  for (const room of [bo, cleo]) {
    const received = await room.incoming(sent);
    await received.press('accept');
    await received.waitForState('done');
  }
  await terminal.end();
  for (const name of ['Bo', 'Cleo', 'Cy']) await sent.waitForReceiver(name, 'done');
  assert.equal(await sha256Of(join(folder, 'photo.jpg')), file.sha256);
});

/** So that there is a middle: some megabytes a second. */
const SLOW = ['--max-packet', '20000', '--max-rate', '200'];

scenario('a terminal that was killed while receiving from a window goes on', async (stage) => {
  const { origin, broker } = await stage.use(startStation(SLOW));
  const sender = await stage.join('Ada', {}, { origin });
  const folder = await folderOf(stage, 'home');
  const args = ['receive', '--yes', '--name', 'Bo'];
  const first = new Command(stage, folder, broker, args);
  await sender.waitForPeer('Bo');
  const file = await stage.file('film.mp4', 12 * MIB);
  const sent = await sender.sendFiles([file.path]);
  await first.until('progress', ({ state, bytes }) => state === 'active' && bytes > 4 * MIB);
  await first.kill();
  const second = new Command(stage, folder, broker, args);
  const { bytes } = await second.until('progress', ({ state }) => state === 'active');
  assert.ok(bytes > 2 * MIB, `it goes on from ${bytes}`);
  await second.end();
  await sent.waitForReceiver('Bo', 'done');
  assert.equal(await sha256Of(join(folder, 'film.mp4')), file.sha256);
});

scenario('a terminal that was killed while sending to a window goes on', async (stage) => {
  const { origin, broker } = await stage.use(startStation(SLOW));
  const receiver = await stage.join('Ada', {}, { origin });
  const folder = await folderOf(stage, 'home');
  const file = await stage.file('film.mp4', 12 * MIB);
  const first = new Command(stage, folder, broker, ['send', file.path]);
  const { parcel } = await first.until('offer');
  const received = await receiver.incoming(/** @type {any} */ ({ parcel }));
  await received.press('accept');
  await received.waitForMiddle(4 * MIB);
  await first.kill();
  const second = new Command(stage, folder, broker, ['send', file.path]);
  assert.equal((await second.until('offer')).parcel, parcel, 'it is the same parcel');
  await received.waitForState('done');
  await second.end();
  await assertSaved(received, [file]);
});

scenario('a folder from a terminal keeps its paths in a window', async (stage) => {
  const receiver = await stage.join('Ada');
  const folder = await folderOf(stage, 'trip');
  await stage.file('trip/a.txt', 100);
  await stage.file('trip/b.txt', 200);
  const sender = new Command(stage, await folderOf(stage, 'home'), stage.station.broker, ['send', folder]);
  const { parcel } = await sender.until('offer');
  const received = await receiver.incoming(/** @type {any} */ ({ parcel }));
  await received.press('accept');
  await received.waitForState('done');
  const paths = (await received.files()).map(({ path }) => path);
  assert.deepEqual(paths, ['trip/a.txt', 'trip/b.txt']);
  await sender.end();
});
