// Two tabs of one browser have the same storage, and each has what it received for itself.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { BRISK, HELD, SIZE, SLACK } from '../lib/in-the-middle.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { linkTo, Room } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { steady } from '../lib/steady.mjs';
import { storedParcels } from '../lib/stored.mjs';
import { Transfer } from '../lib/transfer.mjs';

/** Slow enough for both to be in their middle at the same time. */
const BYTES_A_SECOND = 4 * MIB;

/**
 * Opens another tab of the same browser, in the same room.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {Room} room
 * @param {string} name
 */
async function anotherTab(stage, room, name) {
  const page = await room.page.context().newPage();
  await page.goto(linkTo(stage.station.origin, { key: KEY, name }));
  const tab = new Room(page);
  await tab.byId('join').click();
  await tab.waitForPeer('Ada');
  return tab;
}

/**
 * Two tabs that receive the same parcel, both in the middle of it.
 * @param {import('../lib/scenario.mjs').Stage} stage
 */
async function bothInTheMiddle(stage) {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = BYTES_A_SECOND;
  const [sender, first] = await stage.pair({ broker: proxy.broker }, {});
  const tabs = [first, await anotherTab(stage, first, 'Cy')];
  const file = await stage.file('both.bin', SIZE);
  const sent = await sender.sendFiles([file.path]);
  const received = await Promise.all(tabs.map((tab) => tab.incoming(sent)));
  await Promise.all(received.map((each) => each.press('accept')));
  await Promise.all(received.map((each) => each.waitForMiddle(HELD)));
  for (const each of received) assert.equal((await each.progress()).state, 'active', 'neither is done yet');
  const stored = await storedParcels(first.page);
  assert.equal(new Set(stored.map(({ folder }) => folder)).size, 2, 'each has a folder of its own');
  assert.equal(stored.length, 2, 'and a store in it');
  return { proxy, file, sent, tabs, received, stored };
}

/**
 * Waits until both tabs are done, and checks that each has the whole file, in the store that it had.
 * @param {Awaited<ReturnType<typeof bothInTheMiddle>>} transfer
 */
async function bothAreWhole({ file, sent, tabs, received, stored }) {
  await Promise.all(received.map((each) => each.waitForState('done')));
  await sent.waitForState('done');
  assert.deepEqual(await storedParcels(tabs[0].page), stored);
  for (const each of received) await assertSaved(each, [file]);
}

/** @param {Room[]} tabs */
async function reloadBoth([first, second]) {
  await Promise.all([first.reload(), second.reload()]);
}

scenario('two tabs of one browser do not take from each other', async (stage) => {
  const [sender, first] = await stage.pair();
  const second = await anotherTab(stage, first, 'Cy');
  const file = await stage.file('both.bin', 5 * MIB);
  const sent = await sender.sendFiles([file.path]);
  for (const room of [first, second]) {
    const received = await room.incoming(sent);
    await received.press('accept');
    await received.waitForState('done');
  }
  await first.reload();
  const [one, two] = [new Transfer(first.page, sent.parcel), new Transfer(second.page, sent.parcel)];
  await one.waitForState('done');
  await assertSaved(one, [file]);
  await assertSaved(two, [file]);
});

scenario('two tabs of one browser receive the same parcel at the same time, each for itself', async (stage) => {
  const transfer = await bothInTheMiddle(stage);
  transfer.proxy.limit = Infinity;
  await bothAreWhole(transfer);
  await reloadBoth(transfer.tabs);
  await bothAreWhole(transfer);
});

scenario('two tabs of one browser, both reloaded in the middle of the same parcel, go on with what each held', async (stage) => {
  const transfer = await bothInTheMiddle(stage);
  const { proxy, tabs, received } = transfer;
  await reloadBoth(tabs);
  const before = await steady(() => proxy.up);
  let lacking = 0;
  for (const each of received) {
    await each.waitForState('paused');
    const { bytes } = await each.progress();
    assert.ok(bytes >= HELD, `${bytes} bytes are held`);
    lacking += SIZE - bytes;
  }
  proxy.limit = BRISK;
  await Promise.all(received.map((each) => each.press('resume')));
  await bothAreWhole(transfer);
  // Sent to each by itself at worst.
  const again = proxy.up - before;
  assert.ok(again <= lacking * 1.05 + SLACK, `${again} bytes were sent for the ${lacking} that were lacking`);
});
