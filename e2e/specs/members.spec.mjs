// Whoever has the key and means ill: spoils nobody's transfers, and is shown as what it is.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { assertSaved } from '../lib/contents.mjs';
import { content, KIB, MIB } from '../lib/files.mjs';
import { inTheMiddle, SIZE } from '../lib/in-the-middle.mjs';
import { joinAsMember } from '../lib/member.mjs';
import { base32, Identity, idOf } from '../lib/member/keys.mjs';
import { encodeMessage, listOf } from '../lib/member/messages.mjs';
import { BLOCK, blockCount, digestsOf, manifestOf, Parcel } from '../lib/member/parcel.mjs';
import { resealed, sealToRoom } from '../lib/member/sealing.mjs';
import { observe } from '../lib/observer.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

/** @typedef {import('../lib/scenario.mjs').Stage} Stage */
/** @typedef {import('../lib/room.mjs').Room} Room */
/** @typedef {import('../lib/member.mjs').Member} Member */
/** @typedef {import('../lib/member/messages.mjs').Fields} Fields */

/** What the member calls itself. */
const MALLORY = 'Mallory';

/** Letters that nobody should be shown: controls, and what turns a line around. */
const HIDDEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** CBOR that is harder to read than its length tells. */
const NESTED = Buffer.concat([Buffer.alloc(100_000, 0x81), Buffer.from([0x80])]);
/** A list that is its own item (tags 28 and 29). */
const CIRCULAR = Buffer.from('d81c81d81d00', 'hex');
/** A list of 2^64 - 1 items, a text of as many bytes. */
const [ENDLESS_LIST, ENDLESS_TEXT] = ['9bffffffffffffffff', '7bffffffffffffffff'].map((hex) => Buffer.from(hex, 'hex'));

/** @param {Stage} stage */
function join(stage) {
  return stage.use(joinAsMember(stage.station, { key: KEY, name: MALLORY }));
}

/**
 * Waits until windows have handled all that a member said so far: what one client publishes arrives
 * in its order, and another name is seen at once.
 * @param {Member} member
 * @param {Room[]} rooms
 * @param {{ identity: Identity, name: string }} [as] who they listen to
 */
async function handled(member, rooms, { identity, name } = { identity: member.identity, name: MALLORY }) {
  const marker = `Marker ${randomBytes(8).toString('hex')}`;
  for (const next of [marker, name]) {
    await member.say('alive', member.introduction(next, identity), { as: identity });
    await Promise.all(rooms.map((room) => room.waitForPeer(next)));
  }
}

/**
 * A file of a parcel, whose content follows from its name and size.
 * @param {string} path
 * @param {number} size
 */
function fileOf(path, size) {
  return { path, bytes: Buffer.concat([...content(path, size)]) };
}

/**
 * Files as they are when they are saved.
 * @param {import('../lib/member/parcel.mjs').File[]} files
 */
function hashes(files) {
  return files.map(({ bytes }) => ({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }));
}

/**
 * Sends a member's parcel to a window and accepts it there.
 * @param {Member} member
 * @param {Room} room
 * @param {Parcel} parcel
 * @param {Fields} [lies] in its offer
 */
async function accepted(member, room, parcel, lies) {
  await member.share(parcel, lies);
  const received = new Transfer(room.page, parcel.name);
  await received.press('accept');
  return received;
}

// First: the member keeps to the document, and the app does.

scenario('a text of a member arrives', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const text = 'Meet at 7 — 七点见 — <b>not bold</b>';
  const parcel = Parcel.text(text);
  await member.share(parcel);
  const received = new Transfer(bo.page, parcel.name);
  await received.waitForState('done');
  assert.equal(await received.byId('transfer-text').textContent(), text);
  await member.heard('receipt');
});

scenario('files of a member arrive', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const files = [0, 1, BLOCK - 1, BLOCK, 300_000, 2 * MIB].map((size) => fileOf(`${size}.bin`, size));
  const received = await accepted(member, bo, new Parcel(files));
  await received.waitForState('done');
  await member.heard('receipt');
  const saved = await received.save(files.length);
  assert.deepEqual(saved, hashes(files).map((file) => ({ name: `${file.size}.bin`, ...file })));
});

scenario('a file and a text arrive at a member', async (stage) => {
  const [ada, member] = await Promise.all([stage.join('Ada'), join(stage)]);
  await ada.waitForPeer(MALLORY);
  const file = await stage.file('there.bin', 5 * MIB + 1);
  const [path, text] = [file.path, 'for everyone who has the key'];
  const sent = await ada.sendFiles([path]);
  const [arrived] = await member.receive(await member.offerOf(sent));
  await sent.waitForReceiver(MALLORY, 'done');
  assert.equal(arrived.path, file.name);
  assert.ok(arrived.bytes.length === file.size && Buffer.from(arrived.bytes).equals(await readFile(path)));

  const said = await ada.sendText(text);
  const [heard] = await member.receive(await member.offerOf(said));
  assert.equal(Buffer.from(heard.bytes).toString(), text);
  await said.waitForState('done');
});

// Names.

/** What files are called, and as what they are shown. */
const PATHS = {
  '../../etc/passwd': 'etc/passwd',
  '/abs': 'abs',
  'C:\\x\\..\\evil': 'C/x/evil',
  'nul\0bell\u0007 \u202egpj.exe': 'nulbell gpj.exe',
  [`${'x'.repeat(10_000)}.txt`]: `${'x'.repeat(250)}.txt`,
  '<img src=x onerror=alert(1)>': '<img src=x onerror=alert(1)>',
};

scenario('whatever files are called, they are shown and saved under harmless names', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  const dialogs = dialogsOf(bo);
  await bo.waitForPeer(MALLORY);
  const files = Object.keys(PATHS).map((path, place) => fileOf(path, 1_000 * (place + 1)));
  const title = `<img src=x onerror=alert(1)>\u202e\n${'x'.repeat(10_000)}`;
  const received = await accepted(member, bo, new Parcel(files, { title }));
  await received.waitForState('done');
  assert.deepEqual((await received.files()).map(({ path }) => path), Object.values(PATHS));
  const shown = await received.byId('transfer-title').textContent();
  assert.ok(shown?.startsWith('<img src=x onerror=alert(1)> xxx') && shown.length <= 200, `the title is ${shown}`);

  const saved = await received.save(files.length);
  assert.deepEqual(saved.map(({ size, sha256 }) => ({ size, sha256 })), hashes(files));
  for (const { name } of saved) {
    assert.ok(Buffer.byteLength(name) <= 255 && !HIDDEN.test(name) && !/[/\\<>:]|^\.|^$/.test(name), `it is saved as ${JSON.stringify(name)}`);
  }
  assert.deepEqual(dialogs, []);
  await assertNoMarkup(bo);
});

scenario('files that are called alike, or as another one’s folder, are told apart', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  await bo.waitForPeer(MALLORY);
  const files = ['a', 'a', 'A', 'a/b', 'a/../a', './a//b', 'a (2)'].map((path, place) => fileOf(path, 20_000 + place));
  const received = await accepted(member, bo, new Parcel(files));
  await received.waitForState('done');
  const paths = (await received.files()).map(({ path }) => path.toLowerCase());
  assert.equal(new Set(paths).size, files.length, `they are shown as ${paths.join(', ')}`);
  const saved = await received.save(files.length);
  assert.deepEqual(saved.map(({ size, sha256 }) => ({ size, sha256 })), hashes(files));
});

scenario('whatever a device calls itself, it is shown as one line of text', async (stage) => {
  const [bo, member] = await Promise.all([stage.join('Bo'), join(stage)]);
  const dialogs = dialogsOf(bo);
  await bo.waitForPeer(MALLORY);
  const names = {
    '<img src=x onerror=alert(1)>': '<img src=x onerror=alert(1)>',
    'abc\u202egpj\u2066.exe\n\u0000second line': 'abcgpj.exe second line',
    [`</li>${'W'.repeat(10_000)}`]: `</li>${'W'.repeat(59)}`,
    '\u202e \u0000': 'Unnamed',
  };
  for (const name of Object.keys(names)) await member.comeIn(name);
  for (const shown of Object.values(names)) await bo.waitForPeer(shown);
  const rows = await bo.byId('peer').evaluateAll((all) =>
    all.map((row) => ({ text: row.textContent ?? '', name: row.getAttribute('data-name') ?? '', height: row.getBoundingClientRect().height })),
  );
  assert.equal(rows.length, 1 + Object.keys(names).length);
  for (const { text, name, height } of rows) {
    assert.ok(text.endsWith(name), `${name} is shown as it is: ${text}`);
    assert.equal(height, rows[0]?.height, `${name} takes one line`);
  }
  // They are named beside what is sent to them, too.
  const sent = await bo.sendText('to you all');
  for (const shown of Object.values(names)) await sent.waitForReceiver(shown, 'offered');
  assert.deepEqual(dialogs, []);
  await assertNoMarkup(bo);
});

/**
 * Every question that a window asks from now on.
 * @param {Room} room
 */
function dialogsOf(room) {
  /** @type {string[]} */
  const dialogs = [];
  room.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  return dialogs;
}

/**
 * No name became an element, and none makes the page wider than the window.
 * @param {Room} room
 */
async function assertNoMarkup(room) {
  assert.equal(await room.page.locator('img, [onerror]').count(), 0);
  const [shown, there] = await room.page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.equal(there, shown, 'nothing has to be scrolled sideways');
}

// Attacks while others are in the middle of a transfer.

/**
 * What an attacker in the room has: who is sending what to whom.
 * @typedef {object} Attack
 * @property {Stage} stage
 * @property {Member} member
 * @property {Room} receiver
 * @property {Transfer} sent
 * @property {string} ada the sender's device
 * @property {string} bo the receiver's
 * @property {Fields} offer of the parcel that is under way between them
 */

/**
 * Declares a test in which a window receives what another one sends as if there were no attack.
 * @param {string} what the member does
 * @param {(attack: Attack) => Promise<void>} attack
 * @param {RegExp} [said] what the receiver is told of it
 */
function withstands(what, attack, said) {
  scenario(`a member ${what}, and a transfer of others goes on`, async (stage) => {
    const member = await join(stage);
    const { proxy, file, sender, sent, receiver, received } = await inTheMiddle(stage);
    // Slow enough to be under way for as long as that takes.
    proxy.limit = 64 * KIB;
    const [offer, ada, bo] = await Promise.all([member.offerOf(sent), member.device('Ada'), member.device('Bo')]);
    await attack({ stage, member, receiver, sent, ada, bo, offer: offer.fields });
    await handled(member, [sender, receiver]);
    assert.equal((await received.progress()).state, 'active', 'it is attacked in its middle');
    await sent.waitForReceiver('Bo', 'active');

    proxy.limit = Infinity;
    await received.waitForState('done');
    await sent.waitForReceiver('Bo', 'done');
    await assertSaved(received, [file]);
    assert.equal(await sender.byId('error').count(), 0);
    if (said) assert.match(await receiver.byId('error').innerText(), said);
    else assert.equal(await receiver.byId('error').count(), 0);
    for (const room of [sender, receiver]) {
      assert.equal((await room.peers()).filter(({ name }) => name === MALLORY).length, 1);
    }
    // And both are still well.
    const text = await receiver.sendText('still here');
    await (await sender.incoming(text)).waitForState('done');
  });
}

/** What a parcel's manifest may say against its offer, which speaks of one file of 20,000 bytes. */
const LIES = {
  'more files': manifestOf([{ path: 'a', size: 20_000 }, { path: 'b', size: 0 }]),
  'no file': manifestOf([]),
  'another size': manifestOf([{ path: 'a', size: 20_001 }]),
  'a size beyond everything': manifestOf([{ path: 'a', size: 2n ** 64n - 1n }]),
  'a size below nothing': manifestOf([{ path: 'a', size: -1 }]),
  'nothing at all': Buffer.from([0xf6]),
  'what is no CBOR': Buffer.alloc(50_000, 0xff),
  'more after its end': Buffer.concat([manifestOf([{ path: 'a', size: 20_000 }]), Buffer.from([0])]),
  'a list in a list in a list': Buffer.concat([Buffer.from([0xa1, 0]), NESTED]),
  'depths where nobody looks': Buffer.concat([Buffer.from([0xa2, 5]), NESTED, manifestOf([{ path: 'a', size: 1 }]).subarray(1)]),
  'itself': Buffer.concat([Buffer.from([0xa1, 0]), CIRCULAR]),
  'an endless list': Buffer.concat([Buffer.from([0xa1, 0]), ENDLESS_LIST]),
  'an endless path': Buffer.concat([Buffer.from([0xa1, 0, 0x81, 0xa2, 0]), ENDLESS_TEXT]),
};

withstands('sends lists of files that lie', async ({ member, receiver }) => {
  for (const [what, manifest] of Object.entries(LIES)) {
    const parcel = new Parcel([fileOf('a', 20_000)], { title: what, manifest });
    const received = await accepted(member, receiver, parcel);
    await received.waitForState('failed');
    assert.match(await received.byId('transfer-error').innerText(), /list of files/, what);
    const { fields } = await member.heard('cancel', about(parcel));
    assert.equal(fields.reason, 3, what);
  }
});

withstands('sends frames out of place or of wrong lengths', async ({ member, offer }) => {
  const end = blockCount(offer.manifestBytes) + blockCount(SIZE) + 1;
  const outOfPlace = [
    [2 ** 32 - 1, 1, BLOCK],
    [2 ** 32 - 1, 65_535, BLOCK],
    [end, 1, BLOCK],
    [end - 1, 2, 32 + BLOCK],
    [0, 65_535, BLOCK],
    // None, and fewer or more bytes than there are in the blocks.
    [0, 0, 0],
    [1, 0, BLOCK],
    [1, 1, 0],
    [1, 1, BLOCK - 1],
    [1, 1, BLOCK + 1],
    [1, 2, BLOCK],
    [end - 1, 1, 31],
    // From one part into another.
    [0, 2, offer.manifestBytes + BLOCK],
    [end - 2, 2, BLOCK + 32],
  ];
  for (const [first, count, length] of outOfPlace) {
    for (const sent of [0, 2 ** 31, 2 ** 32 - 1]) {
      for (const secret of [undefined, randomBytes(32)]) await member.sendFrame(offer, { first, count, sent }, randomBytes(length), secret);
    }
  }
});

withstands('confirms, declines and ends what is not its own', async ({ member, sent, ada, bo, offer }) => {
  const { parcel } = offer;
  const held = listOf(new Set(Array(blockCount(offer.manifestBytes) + blockCount(SIZE) + 1).keys()));
  const formerly = idOf(member.publicKeyOf(bo));
  await member.say('want', { parcel, held, credit: MIB, paused: false, formerly, onlySigned: false }, { to: ada });
  // Its word counts for itself.
  await sent.waitForReceiver(MALLORY, 'active');
  // In its own name, and in theirs: with their ids, or their keys as well.
  for (const [device, other] of [[ada, bo], [bo, ada]]) {
    const publicKey = member.publicKeyOf(device);
    const id = idOf(publicKey);
    for (const as of [member.identity, Object.assign(new Identity(), { id }), Object.assign(new Identity(), { id, publicKey })]) {
      await member.say('complete', { parcel, digestsHash: randomBytes(32) }, { to: other, as });
      for (const name of ['seen', 'pause', 'decline', 'cancel', 'receipt']) {
        await member.say(name, { parcel, reason: 0 }, { to: other, as });
        await member.say(name, { parcel, reason: 0 }, { as });
      }
      if (as !== member.identity) await member.say('gone', {}, { as });
    }
  }
});

withstands('offers the same parcel as something else', async ({ member, offer }) => {
  const other = Object.assign(new Parcel([fileOf('other.bin', MIB)]), { id: offer.parcel }).offer(member.identity);
  await member.say('offer', other);
  await member.say('offer', { ...other, parcelKey: offer.parcelKey });
  await member.say('offer', { ...offer, title: 'Mine' });
});

/**
 * Sends other bytes as what comes last of a parcel, and as its digests.
 * @param {Attack} attack
 * @param {() => number} sent the send time of the next frame
 */
async function forge({ member, offer }, sent) {
  const blocks = blockCount(SIZE);
  for (let first = 1 + blocks - 64; first <= blocks; first += 8) {
    await member.sendFrame(offer, { first, count: 8, sent: sent() }, randomBytes(8 * BLOCK));
  }
  await member.sendFrame(offer, { first: 1 + blocks, count: 1, sent: sent() }, randomBytes(32));
}

withstands('sends other bytes as parts of it', (attack) => forge(attack, () => 1));

withstands(
  'sends other bytes as parts of it just behind true ones',
  async (attack) => {
    const parcel = base32(attack.offer.parcel);
    await attack.member.subscribe(`d/${parcel}`);
    const seen = () => attack.member.sendTimes.get(parcel) ?? 0;
    await attack.member.until(() => seen() > 0, 'a frame is seen');
    let ahead = 0;
    await forge(attack, () => seen() + (ahead += 1));
  },
  // Found out by the hash of the whole.
  /did not arrive as it was sent; it is being fetched again/,
);

withstands('wants it and never allows a byte', async ({ stage, member, ada, offer }) => {
  const want = { parcel: offer.parcel, held: listOf(new Set()), credit: 0, paused: false, onlySigned: false };
  const insisting = setInterval(() => member.mind(member.say('want', want, { to: ada })), 50);
  await stage.use(Promise.resolve({ stop: async () => clearInterval(insisting) }));
});

withstands('says what is no message', async ({ member, receiver, ada, bo }) => {
  const counted = (/** @type {number[]} */ ...body) => Buffer.from([0xa2, 0, 1, 1, ...body]);
  const bodies = [
    Buffer.alloc(0),
    randomBytes(1_000),
    NESTED.subarray(-16_000),
    CIRCULAR,
    Buffer.concat([counted(), ENDLESS_LIST]),
    Buffer.concat([counted(0x82, 0, 0x81, 0xa1, 0), ENDLESS_TEXT]),
    // A counter below nothing; a message and a field that nobody knows.
    Buffer.from([0xa2, 0, 0x20, 1, 0x82, 2, 0x80]),
    counted(0x82, 0x18, 200, 0x81, 0xa0),
    counted(0x82, 0, 0x81, 0xa4, 0, 0x61, 0x41, 1, 1, 2, 0, 0x18, 99, 0x9f, 0xff),
    // Longer than a message may be.
    encodeMessage(1, 'hello', { name: 'x'.repeat(20_000) }),
    // Fields of other kinds.
    encodeMessage(1, 'hello', { name: 5 }),
    encodeMessage(1, 'offer', { parcel: 'a text' }),
    encodeMessage(1, 'want', { parcel: randomBytes(9), held: [], credit: -1 }),
    encodeMessage(2n ** 64n - 1n, 'receipt', { parcel: randomBytes(10) }),
  ];
  for (const body of bodies) {
    for (const to of [undefined, ada, bo]) await member.tell(body, { to, as: new Identity() });
  }
  for (const length of [0, 1, 12, 36, 52, 84, 148]) await member.publish('c', randomBytes(length));
  await handled(member, [receiver]);
  assert.deepEqual(new Set((await receiver.peers()).map(({ name }) => name)), new Set(['Ada', MALLORY]));
});

// What is refused, repeated, or too much.

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
    if (tail.startsWith('d/')) continue;
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
  const [[ada, bo], member] = await Promise.all([stage.pair(), join(stage)]);
  await Promise.all([ada, bo].map((room) => room.waitForPeer(MALLORY)));
  for (let number = 0; number < 450; number += 1) await member.comeIn(`Nobody ${number}`);
  for (let number = 0; number < 300; number += 1) await member.say('offer', new Parcel([fileOf('a', number)]).offer(member.identity));
  const refusals = () => member.messages.filter(({ name, fields }) => name === 'decline' && fields.reason === 7).length;
  await member.until(() => refusals() === 400, 'two windows have declined 200 offers each');
  await handled(member, [ada, bo]);
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

  for (let number = 0; number < 60; number += 1) await member.comeIn(`Somebody ${number}`);
  await bo.byId('peers-more').getByText(/^and \d+ more$/).waitFor();
});

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

/**
 * Whether a message is about a parcel.
 * @param {Parcel} parcel
 * @returns {(heard: { fields: Fields }) => boolean}
 */
function about({ id }) {
  return ({ fields }) => fields.parcel !== undefined && id.equals(fields.parcel);
}
