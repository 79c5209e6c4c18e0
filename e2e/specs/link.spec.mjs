// Links, invites and what is remembered.

import assert from 'node:assert/strict';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { startAedes } from '../lib/aedes.mjs';
import { observe } from '../lib/observer.mjs';
import { linkTo, Room } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

scenario('a link with auto=1 asks once, then joins at once and accepts every offer', async (stage) => {
  const parts = { key: 'Ärger mit Ümläuten & Zeichen?', name: 'Bo & Söhne', auto: true };
  const asked = await stage.open('Bo asked', {});
  await asked.page.goto('about:blank');
  await asked.page.goto(linkTo(stage.station.origin, parts));
  await asked.byId('auto-confirm').waitFor();
  assert.equal(await asked.byId('status').getAttribute('data-state'), 'offline', 'nothing happens before');
  await asked.byId('auto-confirm').click();
  await asked.waitForStatus('online');
  const page = await asked.page.context().newPage();
  await asked.page.close();
  await page.goto(linkTo(stage.station.origin, parts));
  const receiver = new Room(page);
  await receiver.waitForStatus('online');
  // Another room, or the same key elsewhere, is another matter.
  for (const other of [{ ...parts, key: 'another' }, { ...parts, broker: 'wss://broker.example/mqtt' }]) {
    const third = await page.context().newPage();
    await third.goto(linkTo(stage.station.origin, other));
    await third.getByTestId('auto-confirm').waitFor();
    await third.close();
  }
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.ok(!stored.includes('rger'), 'no key is kept for it');

  const sender = await stage.open('Ada', { ...parts, name: 'Ada' });
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
  const there = await room.page.context().newPage();
  await there.goto(room.page.url());
  const guest = new Room(there);
  await guest.byId('join').waitFor();
  assert.equal(await guest.byId('key-input').inputValue(), 'another key');
  assert.equal(await guest.byId('broker-input').inputValue(), stage.station.broker);
  await room.reload();
  await room.byId('leave').click();
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

scenario('a link that is opened in a running page asks before it leaves a room', async (stage) => {
  const room = await stage.open('Ada');
  const other = await stage.join('Bo');
  await room.visit(stage.station.origin, { key: KEY, name: 'Ada', auto: true });
  await room.waitForStatus('online');
  await other.waitForPeer('Ada');

  const [here, elsewhere] = [room.page.url(), linkTo(stage.station.origin, { key: 'quite-another-room', name: 'Ada' })];
  const follow = async (/** @type {boolean} */ agrees) => {
    const asked = room.page.waitForEvent('dialog');
    const followed = room.page.evaluate((link) => {
      location.href = link;
    }, elsewhere);
    const dialog = await asked;
    assert.match(dialog.message(), /another room/);
    await (agrees ? dialog.accept() : dialog.dismiss());
    await followed;
  };
  await follow(false);
  await room.page.waitForURL(here);
  assert.equal(await room.byId('status').getAttribute('data-state'), 'online');
  await follow(true);
  await other.waitForPeerGone('Ada');
  assert.equal(await room.byId('key-input').inputValue(), 'quite-another-room');
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

scenario('a tab whose page is loaded anew goes back to its room, until it is left', async (stage) => {
  const host = await stage.open('Ada');
  await host.byId('key-generate').click();
  const key = await generated(host);
  await host.page.reload();
  assert.equal(await generated(host), key, 'a key that was made is there again');
  await host.join({ name: 'Ada' });
  await host.waitForStatus('online');
  const guest = await stage.join('Bo', { key });
  await guest.byId('auto-accept').check();
  await Promise.all([host.reload(), guest.reload()]);
  await Promise.all([host.waitForPeer('Bo'), guest.waitForPeer('Ada')]);
  assert.ok(await guest.byId('auto-accept').isChecked());

  await host.byId('leave').click();
  await host.page.reload();
  await host.byId('join').waitFor();
  assert.equal(await host.byId('key-input').inputValue(), '', 'it is forgotten');
});

scenario('name, broker and prefix are remembered, the key is not, and a user name only for its broker', async (stage) => {
  const room = await stage.join('Ada the First', { broker: stage.station.broker, prefix: 'remembered/here', username: 'ada' });
  assert.ok(!(await stored(room, 'localStorage')).includes(KEY), 'the key is not stored for other tabs');
  await room.byId('leave').click();
  assert.ok(!(await stored(room, 'sessionStorage')).includes(KEY), 'nor in this one once the room is left');
  await room.page.reload();
  await room.byId('key-input').waitFor();
  assert.equal(await room.byId('name-input').inputValue(), 'Ada the First');
  assert.equal(await room.byId('broker-input').inputValue(), stage.station.broker);
  assert.equal(await room.byId('prefix-input').inputValue(), 'remembered/here');
  assert.equal(await room.byId('key-input').inputValue(), '');
  const user = room.byId('username-input');
  assert.equal(await user.inputValue(), 'ada');
  await room.byId('broker-input').fill('wss://elsewhere.example/mqtt');
  assert.equal(await user.inputValue(), '');
  await room.byId('broker-input').fill(stage.station.broker);
  assert.equal(await user.inputValue(), 'ada');
  await room.visit(stage.station.origin, { key: 'by-a-link', broker: 'wss://elsewhere.example/mqtt' });
  assert.equal(await generated(room), 'by-a-link');
  assert.equal(await user.inputValue(), '');
});

scenario('the key never reaches a server in an address', async (stage) => {
  const room = await stage.open('Ada');
  /** @type {string[]} */
  const addresses = [];
  room.page.on('request', (request) => addresses.push(request.url()));
  room.page.on('websocket', (socket) => addresses.push(socket.url()));
  await room.page.goto('about:blank');
  await room.visit(stage.station.origin, { key: KEY, name: 'Ada', auto: true });
  await room.waitForStatus('online');
  assert.ok(addresses.length > 0);
  for (const address of addresses) assert.ok(!address.split('#')[0]?.includes(KEY), address);
});

/**
 * The key in the form, once there is one.
 * @param {Room} room
 */
async function generated({ page }) {
  const found = await page.waitForFunction(() => {
    const field = document.querySelector('[data-testid=key-input]');
    return field instanceof HTMLInputElement && field.value;
  });
  return String(await found.jsonValue());
}

/**
 * What a page keeps in one of its storages, in one text.
 * @param {Room} room
 * @param {'localStorage' | 'sessionStorage'} place
 */
function stored({ page }, place) {
  return page.evaluate((name) => JSON.stringify({ ...window[name] }), place);
}

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
