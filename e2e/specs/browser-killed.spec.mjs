// A browser that is killed with all its windows, or whose tab is duplicated, takes nothing with it.

import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { args, executablePath } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB, tempFolder } from '../lib/files.mjs';
import { BRISK, inTheMiddle } from '../lib/in-the-middle.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { Room } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

/**
 * Starts a browser with a profile on disk, and joins there.
 * @param {string} profile
 * @param {string} origin
 */
async function launch(profile, origin) {
  const context = await chromium.launchPersistentContext(profile, { executablePath, args });
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(origin);
  const room = new Room(page);
  await room.join({ key: KEY, name: 'Bo' });
  await room.waitForStatus('online');
  return { context, room };
}

/**
 * Kills the browser of a profile, as a power cut would.
 * @param {string} profile
 */
async function kill(profile) {
  const lock = await readlink(join(profile, 'SingletonLock'));
  const pid = Number(/-(\d+)$/.exec(lock)?.[1]);
  assert.ok(pid > 1, lock);
  process.kill(pid, 'SIGKILL');
}

scenario('a receiver whose browser is killed goes on in a new one', async (stage) => {
  const profile = await tempFolder();
  await stage.use(Promise.resolve({ stop: profile.remove }));
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 5 * MIB;
  const sender = await stage.join('Ada', { broker: proxy.broker });
  const before = await launch(profile.path, stage.station.origin);
  await stage.use(Promise.resolve({ stop: () => before.context.close() }));
  await sender.waitForPeer('Bo');
  const file = await stage.file('long.bin', 24 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const held = await before.room.incoming(sent);
  await held.press('accept');
  await held.waitForMiddle(8 * MIB);
  const gone = before.context.waitForEvent('close');
  await kill(profile.path);
  await gone;
  await sent.waitForReceiver('Bo', 'waiting');

  const after = await launch(profile.path, stage.station.origin);
  await stage.use(Promise.resolve({ stop: () => after.context.close() }));
  const received = new Transfer(after.room.page, sent.parcel);
  await received.waitForState('paused');
  assert.match(await received.describe(), /Not finished when this page was closed/);
  const sentBefore = proxy.up;
  proxy.limit = BRISK;
  await received.press('resume');
  await received.waitForState('done');
  await sent.waitForState('done');
  assert.ok(proxy.up - sentBefore < 18 * MIB, `${proxy.up - sentBefore} bytes were sent again`);
  await assertSaved(received, [file]);
});

scenario('a duplicated tab is a device of its own and takes nothing from the first', async (stage) => {
  const { proxy, file, sender, sent, receiver, received } = await inTheMiddle(stage, 2 * MIB);
  // A window that a page opens gets a copy of its session's storage, as a duplicated tab does.
  const opened = receiver.page.waitForEvent('popup');
  await receiver.page.evaluate((origin) => {
    sessionStorage.setItem('copied', 'yes');
    window.open(origin);
  }, stage.station.origin);
  const twin = new Room(await opened);
  // It goes to the room of the first by itself.
  await twin.waitForStatus('online');
  assert.equal(await twin.page.evaluate(() => sessionStorage.getItem('copied')), 'yes');
  // The sender's way to the broker is slow and full: it hears of the twin after the others.
  await Promise.all([twin.waitForPeer('Bo'), receiver.waitForPeer('Bo'), sender.waitForPeers(2)]);
  // It is offered the file like anyone who comes later.
  const offered = new Transfer(twin.page, sent.parcel);
  await offered.waitForState('offered');
  proxy.limit = Infinity;
  await received.waitForState('done');
  await assertSaved(received, [file]);
  await offered.press('accept');
  await offered.waitForState('done');
  await assertSaved(offered, [file]);
});
