// A terminal and browsers in the same room.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSaved } from '../lib/contents.mjs';
import { MIB, sha256Of } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';
import { Command } from '../lib/terminal.mjs';

/** @typedef {import('../lib/scenario.mjs').Stage} Stage */

/**
 * One room's broker: where windows reach it, where terminals do, and what these are told of certificates.
 * @typedef {{ window: string, terminal: string, args?: string[] }} Way
 */

/**
 * How a terminal comes to mosquitto, and a window by its WebSockets.
 * @param {(mosquitto: Awaited<ReturnType<typeof startMosquitto>>) => Omit<Way, 'window'>} reach
 * @returns {(stage: Stage) => Promise<Way>}
 */
function mosquitto(reach) {
  return async (stage) => {
    const broker = await stage.use(startMosquitto());
    return { window: broker.broker, ...reach(broker) };
  };
}

/** Terminals show a certificate to mosquitto, which asks for one. */
const certified = mosquitto(({ secure: { closed, authority, client } }) => ({
  terminal: closed,
  args: ['--ca-file', authority, '--cert', client.certificate, '--cert-key', client.key],
}));

/** @type {Record<string, (stage: Stage) => Promise<Way>>} */
const WAYS = {
  station: async ({ station: { broker } }) => ({ window: broker, terminal: broker }),
  'mosquitto over TCP': mosquitto(({ observerUrl }) => ({ terminal: observerUrl })),
  'mosquitto over WebSockets': mosquitto(({ broker }) => ({ terminal: broker })),
  'mosquitto over TLS': mosquitto(({ secure: { open, authority } }) => ({ terminal: open, args: ['--ca-file', authority] })),
  'mosquitto over TLS with a client certificate': certified,
};

/** A text that shows how it was carried. */
const TEXT = 'Meet at 7 — 七点见';

/**
 * A folder for a command.
 * @param {Stage} stage
 * @param {string} name
 */
async function folderOf(stage, name) {
  const folder = join(await stage.folder(), name);
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * A folder to send, with a file that takes a moment.
 * @param {Stage} stage
 */
async function trip(stage) {
  const path = await folderOf(stage, 'trip');
  await folderOf(stage, 'trip/deep');
  const note = await stage.file('trip/deep/note.txt', 100);
  const photo = await stage.file('trip/photo.jpg', MIB);
  return { path, files: [note, photo] };
}

for (const [name, way] of Object.entries(WAYS)) {
  scenario(`${name}: a folder and a text arrive from a terminal in a window`, async (stage) => {
    const { window, terminal, args = [] } = await way(stage);
    const receiver = await stage.join('Ada', { broker: window });
    const { path, files } = await trip(stage);
    const home = await folderOf(stage, 'home');
    const sender = new Command(stage, home, terminal, ['send', path, '--name', 'Bo', ...args]);
    const received = await receiver.incoming({ parcel: (await sender.until('offer')).parcel });
    await received.press('accept');
    await received.waitForState('done');
    await sender.until('receipt', (event) => event.name === 'Ada');
    await sender.end();
    assert.deepEqual((await received.files()).map(({ path }) => path), files.map(({ name }) => name));
    for (const { name, sha256 } of files) assert.equal((await received.saveFile(name)).sha256, sha256);

    const writer = new Command(stage, home, terminal, ['send', '--text', TEXT, ...args]);
    const text = await receiver.incoming({ parcel: (await writer.until('offer')).parcel });
    await text.waitForState('done');
    assert.equal(await text.byId('transfer-text').textContent(), TEXT);
    await writer.end();
  });

  scenario(`${name}: a folder and a text arrive from a window at a terminal`, async (stage) => {
    const { window, terminal, args = [] } = await way(stage);
    const sender = await stage.join('Ada', { broker: window });
    const home = await folderOf(stage, 'home');
    const receiver = new Command(stage, home, terminal, ['receive', '--yes', '--stay', '--name', 'Bo', ...args]);
    await sender.waitForPeer('Bo');
    const { path, files } = await trip(stage);
    const sent = await sender.sendFolder(path);
    await sent.waitForReceiver('Bo', 'done');
    for (const { name, size, sha256 } of files) {
      const saved = await receiver.until('saved', (event) => event.path.endsWith(name));
      assert.equal(saved.bytes, size);
      assert.equal(await sha256Of(join(home, name)), sha256);
    }
    const told = await sender.sendText(TEXT);
    await told.waitForReceiver('Bo', 'done');
    assert.equal((await receiver.until('message')).text, TEXT);
    receiver.child.kill('SIGINT');
    await receiver.end(130);
    await sender.waitForPeerGone('Bo');
  });
}

scenario('a terminal without a certificate that mosquitto asks for, or without its authority, is told so', async (stage) => {
  const { secure: { open, closed, authority } } = await stage.use(startMosquitto());
  const home = await folderOf(stage, 'home');
  const uncertified = new Command(stage, home, closed, ['receive', '--yes', '--ca-file', authority]);
  const untrusting = new Command(stage, home, open, ['receive', '--yes']);
  await Promise.all([uncertified.end(6), untrusting.end(6)]);
  assert.match(uncertified.errors, /wants to see a client certificate/);
  assert.match(untrusting.errors, /not signed by an authority that this computer trusts/);
});

/**
 * Ways on which a sender and a receiver of one room can be slowed down to some megabytes a second, so that there
 * is a middle to be killed in.
 * @type {Record<string, (stage: Stage) => Promise<Way & { origin?: string }>>}
 */
const SLOW = {
  station: async (stage) => {
    const { origin, broker } = await stage.use(startStation(['--max-packet', '20000', '--max-rate', '100']));
    return { origin, window: broker, terminal: broker };
  },
  mosquitto: async (stage) => {
    const way = await certified(stage);
    const proxy = await stage.use(proxyTo(way.terminal));
    proxy.limit = 2 * MIB;
    return { ...way, terminal: `mqtts://127.0.0.1:${proxy.port}` };
  },
};

/** The film that is interrupted, and how much of it has come by then at least; in bytes. */
const [FILM, COME] = [6 * MIB, 2 * MIB];

for (const [name, way] of Object.entries(SLOW)) {
  scenario(`${name}: two windows and a terminal share one upload`, async (stage) => {
    const { window, terminal, args = [] } = await way(stage);
    const proxy = await stage.use(proxyTo(window));
    const names = ['Bo', 'Cleo'];
    const home = await folderOf(stage, 'home');
    const [ada, ...rooms] = await Promise.all([
      stage.join('Ada', { broker: proxy.broker }),
      ...names.map((name) => stage.join(name, { broker: window })),
    ]);
    const third = new Command(stage, home, terminal, ['receive', '--yes', '--name', 'Cy', ...args]);
    for (const name of [...names, 'Cy']) await ada.waitForPeer(name);
    const file = await stage.file('photo.jpg', 4 * MIB);
    const before = proxy.up;
    // Blocks that go out before everyone has accepted are sent again: few, beside the whole file.
    proxy.limit = MIB / 8;
    const sent = await ada.sendFiles([file.path]);
    const received = await Promise.all(rooms.map((room) => room.incoming(sent)));
    await Promise.all(received.map((transfer) => transfer.press('accept')));
    await Promise.all([...names, 'Cy'].map((name) => sent.waitForReceiver(name, 'active')));
    proxy.limit = Infinity;
    await Promise.all(received.map((transfer) => transfer.waitForState('done')));
    await third.end();
    for (const name of [...names, 'Cy']) await sent.waitForReceiver(name, 'done');
    const cost = (proxy.up - before) / file.size;
    assert.ok(cost <= 1.3, `the sender uploaded ${cost.toFixed(2)} times the file`);
    for (const transfer of received) await assertSaved(transfer, [file]);
    assert.equal(await sha256Of(join(home, 'photo.jpg')), file.sha256);
  });

  scenario(`${name}: a terminal that was killed while receiving from a window goes on`, async (stage) => {
    const { origin, window, terminal, args = [] } = await way(stage);
    const sender = await stage.join('Ada', { broker: window }, { origin });
    const home = await folderOf(stage, 'home');
    const command = ['receive', '--yes', '--name', 'Bo', ...args];
    const first = new Command(stage, home, terminal, command);
    await sender.waitForPeer('Bo');
    const file = await stage.file('film.mp4', FILM);
    const sent = await sender.sendFiles([file.path]);
    await first.until('progress', ({ state, bytes }) => state === 'active' && bytes > COME);
    await first.kill();
    const second = new Command(stage, home, terminal, command);
    const { bytes } = await second.until('progress', ({ state }) => state === 'active');
    assert.ok(bytes > COME / 2, `it goes on from ${bytes}`);
    await second.end();
    await sent.waitForReceiver('Bo', 'done');
    assert.equal(await sha256Of(join(home, 'film.mp4')), file.sha256);
  });

  scenario(`${name}: a terminal that was killed while sending to a window goes on`, async (stage) => {
    const { origin, window, terminal, args = [] } = await way(stage);
    const receiver = await stage.join('Ada', { broker: window }, { origin });
    const home = await folderOf(stage, 'home');
    const file = await stage.file('film.mp4', FILM);
    const command = ['send', file.path, ...args];
    const first = new Command(stage, home, terminal, command);
    const { parcel } = await first.until('offer');
    const received = await receiver.incoming({ parcel });
    await received.press('accept');
    await received.waitForMiddle(COME);
    await first.kill();
    const second = new Command(stage, home, terminal, command);
    assert.equal((await second.until('offer')).parcel, parcel, 'it is the same parcel');
    await received.waitForState('done');
    await second.end();
    await assertSaved(received, [file]);
  });
}

scenario('mosquitto: two terminals of which each was killed once go on', async (stage) => {
  const { terminal, args = [] } = await SLOW.mosquitto(stage);
  const file = await stage.file('film.mp4', FILM);
  const [here, there] = [await folderOf(stage, 'here'), await folderOf(stage, 'there')];
  const send = () => new Command(stage, here, terminal, ['send', file.path, ...args]);
  const receive = () => new Command(stage, there, terminal, ['receive', '--yes', ...args]);
  /** @param {number} least @returns {(event: import('../lib/terminal.mjs').Said) => boolean} */
  const has = (least) => ({ state, bytes }) => state === 'active' && bytes > least;
  const sender = send();
  const receiver = receive();
  await receiver.until('progress', has(COME / 2));
  await receiver.kill();
  const second = receive();
  const { bytes } = await second.until('progress', ({ state }) => state === 'active');
  assert.ok(bytes > COME / 4, `it goes on from ${bytes}`);
  await second.until('progress', has(COME));
  await sender.kill();
  await send().end();
  await second.end();
  assert.equal(second.events.filter(({ event }) => event === 'offer').length, 1, 'it is the same parcel');
  assert.equal(await sha256Of(join(there, 'film.mp4')), file.sha256);
});
