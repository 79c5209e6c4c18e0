// A terminal and browsers in one room.

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSaved } from '../lib/contents.mjs';
import { MIB, sha256Of } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { Terminal } from '../lib/terminal.mjs';
import { Transfer } from '../lib/transfer.mjs';

/**
 * A command that ends with the test.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {string} broker
 * @param {string[]} args
 */
async function run(stage, broker, args) {
  const state = join(await stage.folder(), 'state');
  return stage.use(Promise.resolve(new Terminal(broker, args, { state })));
}

/**
 * An empty folder to receive into.
 * @param {import('../lib/scenario.mjs').Stage} stage
 */
async function emptyFolder(stage) {
  const folder = join(await stage.folder(), 'received');
  await mkdir(folder);
  return folder;
}

scenario('what a browser sends, a terminal receives: files and a text', async (stage) => {
  const folder = await emptyFolder(stage);
  const ada = await stage.join('Ada');
  const terminal = await run(stage, stage.station.broker, ['receive', '--yes', '--stay', '--name', 'Bo', '--out', folder]);
  await ada.waitForPeer('Bo');
  const files = [await stage.file('one.bin', 3 * MIB), await stage.file('two.bin', 5)];
  const sent = await ada.sendFiles(files.map(({ path }) => path));
  await sent.waitForState('done');
  for (const { name, size, sha256 } of files) {
    const saved = await terminal.event('saved', ({ path }) => String(path).endsWith(name));
    assert.equal(saved.bytes, size);
    assert.equal(await sha256Of(join(folder, name)), sha256);
  }
  const text = await ada.sendText('Grüße aus dem Browser');
  await text.waitForState('done');
  assert.equal((await terminal.event('message')).text, 'Grüße aus dem Browser');
  assert.deepEqual((await readdir(folder)).sort(), ['one.bin', 'two.bin'], 'and nothing else');
});

scenario('what a terminal sends, two browsers and a terminal receive from one upload', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const folder = await emptyFolder(stage);
  const [ada, bo] = await stage.pair();
  const third = await run(stage, stage.station.broker, ['receive', '--yes', '--name', 'Cleo', '--out', folder]);
  await ada.waitForPeer('Cleo');
  const file = await stage.file('for all.bin', 20 * MIB);
  const sender = await run(stage, proxy.broker, ['send', file.path, '--receivers', '3', '--name', 'Dora']);
  const offer = await sender.event('offer');
  const both = [ada, bo].map((room) => new Transfer(room.page, String(offer.parcel)));
  for (const received of both) await received.press('accept');
  for (const received of both) {
    await received.waitForState('done');
    await assertSaved(received, [file]);
  }
  assert.equal(await sender.end(), 0, sender.said);
  assert.equal(await third.end(), 0, third.said);
  assert.equal(await sha256Of(join(folder, 'for all.bin')), file.sha256);
  assert.ok(proxy.up < 2 * 20 * MIB, `${proxy.up} bytes went up`);
});

scenario('a folder goes from a terminal to a browser and back with its structure', async (stage) => {
  const out = join(await stage.folder(), 'trip');
  await mkdir(join(out, 'day 1'), { recursive: true });
  await writeFile(join(out, 'day 1', 'note.txt'), 'first');
  await writeFile(join(out, 'map.txt'), 'second');
  const ada = await stage.join('Ada');
  const sender = await run(stage, stage.station.broker, ['send', out, '--name', 'Dora']);
  const received = new Transfer(ada.page, String((await sender.event('offer')).parcel));
  await received.press('accept');
  await received.waitForState('done');
  assert.deepEqual((await received.files()).map(({ path }) => path).sort(), ['trip/day 1/note.txt', 'trip/map.txt']);
  assert.equal(await sender.end(), 0, sender.said);

  const folder = await emptyFolder(stage);
  const receiver = await run(stage, stage.station.broker, ['receive', '--yes', '--name', 'Bo', '--out', folder]);
  await ada.waitForPeer('Bo');
  const back = await ada.sendFolder(out);
  await back.waitForState('done');
  assert.equal(await receiver.end(), 0, receiver.said);
  assert.equal(await readFile(join(folder, 'trip', 'day 1', 'note.txt'), 'utf8'), 'first');
  assert.equal(await readFile(join(folder, 'trip', 'map.txt'), 'utf8'), 'second');
});

scenario('a terminal that is killed in the middle goes on, as receiver and as sender', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
  const folder = await emptyFolder(stage);
  const ada = await stage.join('Ada');
  const receive = ['receive', '--yes', '--name', 'Bo', '--out', folder];
  const first = await run(stage, proxy.broker, receive);
  await ada.waitForPeer('Bo');
  const file = await stage.file('long.bin', 24 * MIB);
  const sent = await ada.sendFiles([file.path]);
  await sent.waitForMiddle(8 * MIB);
  await first.kill();
  const before = proxy.down;
  proxy.limit = Infinity;
  const second = await run(stage, proxy.broker, receive);
  await sent.waitForState('done');
  assert.equal(await second.end(), 0, second.said);
  assert.equal(await sha256Of(join(folder, 'long.bin')), file.sha256);
  assert.ok(proxy.down - before < 20 * MIB, `${proxy.down - before} bytes came again`);

  proxy.limit = 4 * MIB;
  const send = ['send', file.path, '--name', 'Dora'];
  const third = await run(stage, proxy.broker, send);
  const received = new Transfer(ada.page, String((await third.event('offer')).parcel));
  await received.press('accept');
  await received.waitForMiddle(8 * MIB);
  await third.kill();
  const sentBefore = proxy.up;
  proxy.limit = Infinity;
  const fourth = await run(stage, proxy.broker, send);
  await received.waitForState('done');
  await assertSaved(received, [file]);
  assert.equal(await fourth.end(), 0, fourth.said);
  assert.ok(proxy.up - sentBefore < 20 * MIB, `${proxy.up - sentBefore} bytes went again`);
}, { timeout: 240_000 });

scenario('through mosquitto the terminal speaks TCP and the browser WebSocket', async (stage) => {
  const mosquitto = await stage.use(startMosquitto({ login: { username: 'workshop', password: 'right' } }));
  const ada = await stage.join('Ada', { broker: mosquitto.broker, username: 'workshop', password: 'right' });
  const file = await stage.file('over tcp.bin', 6 * MIB);
  process.env.MQDROP_PASSWORD = 'right';
  const sender = await run(stage, mosquitto.observerUrl, ['send', file.path, '--user', 'workshop', '--name', 'Dora']);
  delete process.env.MQDROP_PASSWORD;
  const received = new Transfer(ada.page, String((await sender.event('offer')).parcel));
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);
  assert.equal(await sender.end(), 0, sender.said);
});
