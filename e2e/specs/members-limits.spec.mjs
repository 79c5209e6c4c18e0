// What members send that is refused, repeated, too much or of a newer version.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { about, accepted, fileOf, handled, join, MALLORY } from '../lib/mallory.mjs';
import { Identity } from '../lib/member/keys.mjs';
import { digestsOf, Parcel } from '../lib/member/parcel.mjs';
import { resealed, sealToRoom } from '../lib/member/sealing.mjs';
import { observe } from '../lib/observer.mjs';
import { scenario } from '../lib/scenario.mjs';
import { Tabs } from '../lib/tabs.mjs';

/** @typedef {import('../lib/room.mjs').Room} Room */
/** @typedef {import('../lib/transfer.mjs').Transfer} Transfer */

/** What is more than a parcel may have. */
const BEYOND = [
  { files: 0 },
  { files: 250_001 },
  { bytes: 2 ** 44 + 1 },
  { manifestBytes: 0 },
  { manifestBytes: 32 * MIB + 1 },
  { block: 1 },
  { isText: true, bytes: MIB + 1 },
  { isText: true, files: 2 },
  { isText: true, manifestBytes: 4_097 },
];

scenario('offers beyond all limits are declined, and those without a proof not even that', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  for (const lies of BEYOND) {
    const parcel = new Parcel([fileOf('a', 20_000)]);
    await member.say('offer', { ...parcel.offer(member.identity), ...lies });
    const { fields } = await member.heard('decline', about(parcel));
    assert.equal(fields.reason, 2, JSON.stringify(lies));
  }
  const parcel = new Parcel([fileOf('a', 20_000)]);
  const offer = parcel.offer(member.identity);
  await member.say('offer', offer, { as: new Identity() });
  await member.say('offer', { ...offer, proof: randomBytes(64) });
  await member.say('offer', { ...offer, parcelKey: member.identity.publicKey });
  // Of small order: under such a key anything would be signed.
  await member.say('offer', { ...offer, parcelKey: new Uint8Array(32), proof: new Uint8Array(64) });
  await handled(member, [bo]);
  assert.deepEqual(await bo.parcels('in'), []);
  assert.ok(!member.messages.some(about(parcel)));
});

scenario('whoever says again what others said changes nothing', async (stage) => {
  const observer = await stage.use(observe(stage.station));
  const [[ada, bo], member] = await Promise.all([stage.pair(), join(stage)]);
  const cy = await stage.join('Cy');
  await Promise.all([ada, bo].map((room) => room.waitForPeer('Cy')));
  const file = await stage.file('once.bin', MIB);
  await endInAllWays(ada, bo, file.path);
  await cy.byId('leave').click();
  await Promise.all([ada, bo].map((room) => room.waitForPeerGone('Cy')));
  const before = await Promise.all([ada, bo].map(shown));

  const devices = await Promise.all(['Ada', 'Bo'].map((name) => member.device(name)));
  for (const { topic, payload } of [...observer.messages]) {
    const tail = topic.slice(member.topic('').length);
    await member.publish(tail, payload);
    // What a device says to itself, to see whether it may, is empty.
    if (tail.startsWith('d/') || payload.length === 0) continue;
    // Sealed anew it has other bytes; elsewhere it is at a place it was not meant for.
    const last = tail.split('/').at(-1) ?? '';
    await member.publish('c', resealed(member.room, last, payload, 'c'));
    for (const device of devices) await member.publish(`i/${device}`, resealed(member.room, last, payload, device));
  }
  await handled(member, [ada, bo]);
  assert.deepEqual(await Promise.all([ada, bo].map(shown)), before);

  const sent = await bo.sendFiles([file.path]);
  const received = await ada.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

/**
 * Lets transfers from one window to another stay open and end in every way, one of them forgotten.
 * @param {Room} sender
 * @param {Room} receiver
 * @param {string} path
 */
async function endInAllWays(sender, receiver, path) {
  const text = await sender.sendText('read and removed');
  const read = await receiver.incoming(text);
  await text.waitForState('done');
  await read.press('remove');
  await read.root.waitFor({ state: 'detached' });
  /** @type {Transfer[]} */
  const sent = [];
  for (let number = 0; number < 4; number += 1) sent.push(await sender.sendFiles([path]));
  const [done, declined, cancelled, open] = sent;
  await (await receiver.incoming(done)).press('accept');
  await done.waitForReceiver('Bo', 'done');
  await (await receiver.incoming(declined)).press('decline');
  await declined.waitForReceiver('Bo', 'declined');
  await cancelled.press('cancel');
  await (await receiver.incoming(cancelled)).waitForState('cancelled');
  await receiver.incoming(open);
}

/**
 * Everyone and everything that a window shows, and how it stands.
 * @param {Room} room
 */
async function shown(room) {
  const transfers = await room.byId('transfer').evaluateAll((cards) => cards.map(({ dataset }) => [dataset.parcel, dataset.direction, dataset.state]));
  return { peers: await room.peers(), transfers };
}

scenario('a flood of offers and of devices stays within limits, and its sender can be muted', async (stage) => {
  const tabs = await stage.use(Tabs.launch());
  const [[ada, bo], member] = await Promise.all([stage.pair({}, {}, {}, { engine: tabs }), join(stage)]);
  await Promise.all([ada, bo].map((room) => room.waitForPeer(MALLORY)));
  const heaps = await tabs.watchHeaps(bo.page);
  // Each of them is a person with buttons of its own.
  await heaps.stayBelow({ peak: 48 * MIB, kept: 24 * MIB }, async () => {
    for (let number = 0; number < 450; number += 1) await member.comeIn(`Nobody ${number}`);
    for (let number = 0; number < 300; number += 1) await member.say('offer', new Parcel([fileOf('a', number)]).offer(member.identity));
    const refusals = () => member.messages.filter(({ name, fields }) => name === 'decline' && fields.reason === 7).length;
    await member.until(() => refusals() === 400, 'two windows have declined 200 offers each');
    await handled(member, [ada, bo]);
  });
  for (const room of [ada, bo]) assert.equal((await room.parcels('in')).length, 100);

  const text = await ada.sendText('still here');
  await (await bo.incoming(text)).waitForState('done');
  const file = await stage.file('through.bin', 5 * MIB);
  const sent = await ada.sendFiles([file.path]);
  const received = await bo.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);

  const witness = { identity: await member.comeIn('Witness'), name: 'Witness' };
  await Promise.all([ada, bo].map((room) => room.waitForPeer('Witness')));
  await bo.mute(MALLORY);
  await bo.page.locator('[data-testid="transfer"][data-state="offered"]').first().waitFor({ state: 'detached' });
  const before = await bo.parcels('in');
  await member.comeIn('Mallory again', member.identity);
  await member.share(Parcel.text('listen to me'));
  await member.share(new Parcel([fileOf('more.bin', 5)]));
  await handled(member, [ada, bo], witness);
  await ada.waitForPeer('Mallory again');
  await bo.waitForPeer(MALLORY);
  assert.deepEqual(await bo.parcels('in'), before);

  // Those from the beginning may be gone by now: nothing was heard of them any more.
  for (let number = 0; number < 510; number += 1) await member.comeIn(`Somebody ${number}`);
  await bo.byId('peers-more').getByText(/^and \d+ more$/).waitFor();
}, { timeout: 180_000 });

scenario('a newer version is said in words, once', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const newer = () => member.publish('c', sealToRoom(member.room, new Identity(), randomBytes(100), { version: 2 }));
  await newer();
  await bo.byId('error').waitFor();
  assert.match(await bo.byId('error').innerText(), /newer version/);
  // Another error takes its place: the file is never the one that its sender says it is.
  const files = [fileOf('changing.bin', MIB)];
  const received = await accepted(member, bo, new Parcel(files, { digests: digestsOf([fileOf('other.bin', MIB)]) }));
  await received.waitForState('failed');
  assert.match(await received.byId('transfer-error').innerText(), /changing\.bin/);
  const error = await bo.byId('error').innerText();
  assert.match(error, /changing\.bin/);
  await newer();
  await handled(member, [bo]);
  assert.equal(await bo.byId('error').innerText(), error);
});
