// Links, invites and what is remembered.

import assert from 'node:assert/strict';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { startAedes } from '../lib/aedes.mjs';
import { observe } from '../lib/observer.mjs';
import { linkTo } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

scenario('a link with auto=1 joins at once and accepts every offer', async (stage) => {
  const receiver = await stage.open('Bo', { key: 'Ärger mit Ümläuten & Zeichen?', name: 'Bo & Söhne', auto: true });
  await receiver.waitForStatus('online');
  const sender = await stage.open('Ada', { key: 'Ärger mit Ümläuten & Zeichen?', name: 'Ada', auto: true });
  await sender.waitForPeer('Bo & Söhne');
  const file = await stage.file('auto.bin', MIB);
  const received = await receiver.incoming(await sender.sendFiles([file.path]));
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

scenario('a link without auto=1 fills in the form and waits', async (stage) => {
  const room = await stage.open('Ada', { key: 'three-word-key', name: 'Ada Laptop', broker: stage.station.broker });
  assert.equal(await room.byId('key-input').inputValue(), 'three-word-key');
  assert.equal(await room.byId('name-input').inputValue(), 'Ada Laptop');
  assert.equal(await room.byId('broker-input').inputValue(), stage.station.broker);
  await room.byId('join').click();
  await room.waitForStatus('online');
});

scenario('the address leads into the room, also when another key was typed', async (stage) => {
  const room = await stage.open('Ada', { key: 'three-word-key', broker: stage.station.broker });
  await room.byId('key-input').fill('another key');
  await room.join({ name: 'Ada' });
  await room.waitForStatus('online');
  await room.page.reload();
  await room.byId('join').waitFor();
  assert.equal(await room.byId('key-input').inputValue(), 'another key');
  assert.equal(await room.byId('broker-input').inputValue(), stage.station.broker);
});

scenario('broker and prefix of a link are used', async (stage) => {
  const aedes = await stage.use(startAedes());
  const observer = await stage.use(observe(aedes));
  const parts = { key: KEY, broker: aedes.broker, prefix: 'team/files', auto: true };
  const sender = await stage.open('Ada', { ...parts, name: 'Ada' });
  const receiver = await stage.open('Bo', { ...parts, name: 'Bo' });
  await sender.waitForPeer('Bo');
  const received = await receiver.incoming(await sender.sendText('under another prefix'));
  await received.waitForState('done');
  assert.ok(observer.messages.length > 0);
  for (const { topic } of observer.messages) assert.ok(topic.startsWith('team/files/'), topic);
});

scenario('capitals and spaces in a typed key make no difference', async (stage) => {
  const [first, second] = [await stage.join('Ada', { key: 'blue moon river' }), await stage.join('Bo', { key: ' Blue-Moon  River ' })];
  await Promise.all([first.waitForPeer('Bo'), second.waitForPeer('Ada')]);
});

scenario('a generated key opens a room that the invite link leads to', async (stage) => {
  const host = await stage.open('Ada');
  await host.byId('join').click();
  await host.byId('error').filter({ hasText: 'Type the key' }).waitFor();
  await host.byId('key-generate').click();
  // What was wrong is not said any more.
  await host.byId('error').waitFor({ state: 'detached' });
  const key = await host.byId('key-input').inputValue();
  assert.ok(key.length >= 20, `a generated key is long: ${key.length} characters`);
  await host.join({ name: 'Ada' });
  await host.waitForStatus('online');
  assert.ok(!host.page.url().includes(key), 'the typed key stays out of the address');

  await host.byId('share').click();
  const shown = host.byId('share-link');
  await shown.waitFor();
  const link = await shown.evaluate((element) =>
    element instanceof HTMLInputElement ? element.value : (element.getAttribute('href') ?? element.textContent ?? ''),
  );
  assert.ok(link.startsWith(`${stage.station.origin}/#`), 'secrets are in the fragment only');
  assert.equal(await scanned(host.byId('share-qr')), link, 'a phone that scans the code is led to the same place');

  const guest = await stage.open('Bo');
  // To blank first: a change of the fragment alone would not load the page anew.
  await guest.page.goto('about:blank');
  await guest.page.goto(link);
  await guest.byId('join').click();
  await guest.waitForStatus('online');
  await host.byId('peer').waitFor();
  assert.equal(await host.peerCount(), 1);
});

scenario('a link with auto=1 that is opened in a running page joins its room', async (stage) => {
  const room = await stage.open('Ada');
  const other = await stage.join('Bo');
  await room.page.goto(linkTo(stage.station.origin, { key: KEY, name: 'Ada', auto: true }));
  await room.waitForStatus('online');
  await other.waitForPeer('Ada');
});

scenario('what is wrong with a link that is opened in a running page is said until the form is changed', async (stage) => {
  const room = await stage.open('Ada');
  await room.page.evaluate(() => {
    location.hash = '#key=three-word-key&broker=mqtt://broker.example&auto=1';
  });
  const error = room.byId('error').filter({ hasText: 'only over WebSockets' });
  await error.waitFor();
  await room.page.locator('[data-testid="broker-input"][aria-invalid="true"]').waitFor();
  await room.byId('broker-input').fill(stage.station.broker);
  await error.waitFor({ state: 'detached' });
  await room.byId('join').click();
  await room.waitForStatus('online');
});

scenario('name, broker and prefix are remembered, the key is not', async (stage) => {
  const room = await stage.join('Ada the First', { broker: stage.station.broker, prefix: 'remembered/here' });
  await room.page.reload();
  await room.byId('key-input').waitFor();
  assert.equal(await room.byId('name-input').inputValue(), 'Ada the First');
  assert.equal(await room.byId('broker-input').inputValue(), stage.station.broker);
  assert.equal(await room.byId('prefix-input').inputValue(), 'remembered/here');
  assert.equal(await room.byId('key-input').inputValue(), '');
  const stored = await room.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!stored.includes(KEY), 'the key is stored nowhere');
});

scenario('the key never reaches a server in an address', async (stage) => {
  const room = await stage.open('Ada');
  /** @type {string[]} */
  const addresses = [];
  room.page.on('request', (request) => addresses.push(request.url()));
  room.page.on('websocket', (socket) => addresses.push(socket.url()));
  await room.page.goto('about:blank');
  await room.page.goto(linkTo(stage.station.origin, { key: KEY, name: 'Ada', auto: true }));
  await room.waitForStatus('online');
  assert.ok(addresses.length > 0);
  for (const address of addresses) assert.ok(!address.split('#')[0]?.includes(KEY), address);
});

/**
 * What a camera reads from an element on the screen.
 * @param {import('playwright-core').Locator} element
 */
async function scanned(element) {
  const { data, width, height } = PNG.sync.read(await element.screenshot());
  // In the module, as Node hands it over, the function is its own default export.
  const read = /** @type {any} */ (jsQR).default ?? jsQR;
  return read(new Uint8ClampedArray(data), width, height)?.data;
}
