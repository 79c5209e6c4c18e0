// Whoever has the key and means ill while others are in the middle of a transfer: spoils nothing.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { assertSaved } from '../lib/contents.mjs';
import { KIB, MIB } from '../lib/files.mjs';
import { inTheMiddle, SIZE } from '../lib/in-the-middle.mjs';
import { about, accepted, fileOf, handled, join, MALLORY } from '../lib/mallory.mjs';
import { base32, Identity, idOf } from '../lib/member/keys.mjs';
import { encodeMessage, listOf } from '../lib/member/messages.mjs';
import { BLOCK, blockCount, manifestOf, Parcel } from '../lib/member/parcel.mjs';
import { scenario } from '../lib/scenario.mjs';

/** @typedef {import('../lib/scenario.mjs').Stage} Stage */
/** @typedef {import('../lib/room.mjs').Room} Room */
/** @typedef {import('../lib/member.mjs').Member} Member */
/** @typedef {import('../lib/member/messages.mjs').Fields} Fields */
/** @typedef {import('../lib/transfer.mjs').Transfer} Transfer */

/** CBOR that is harder to read than its length tells. */
const NESTED = Buffer.concat([Buffer.alloc(100_000, 0x81), Buffer.from([0x80])]);
/** A list that is its own item (tags 28 and 29). */
const CIRCULAR = Buffer.from('d81c81d81d00', 'hex');
/** A list of 2^64 - 1 items, a text of as many bytes. */
const [ENDLESS_LIST, ENDLESS_TEXT] = ['9bffffffffffffffff', '7bffffffffffffffff'].map((hex) => Buffer.from(hex, 'hex'));

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
  // It can only guess what Ada knows Bo by.
  const token = randomBytes(16);
  await member.say('want', { parcel, held, credit: MIB, paused: false, onlySigned: false, token }, { to: ada });
  // Its word counts for itself.
  await sent.waitForReceiver(MALLORY, 'active');
  // In its own name, and in theirs: with their ids, or their keys as well.
  for (const [device, other] of [[ada, bo], [bo, ada]]) {
    const publicKey = member.publicKeyOf(device);
    const id = idOf(publicKey);
    for (const as of [member.identity, Object.assign(new Identity(), { id }), Object.assign(new Identity(), { id, publicKey })]) {
      await member.say('complete', { parcel, digestsHash: randomBytes(32) }, { to: other, as });
      for (const name of ['seen', 'pause', 'decline', 'cancel', 'receipt']) {
        await member.say(name, { parcel, reason: 0, token }, { to: other, as });
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

/**
 * Waits for a frame of its sender.
 * @param {Attack} attack
 * @returns {Promise<() => number>} the send time of the last one that was seen
 */
async function trueFrame({ member, offer }) {
  const parcel = base32(offer.parcel);
  await member.subscribe(`d/${parcel}`);
  const seen = () => member.sendTimes.get(parcel) ?? 0;
  await member.until(() => seen() > 0, 'a frame is seen');
  return seen;
}

withstands('sends other bytes as parts of it', async (attack) => {
  // Where nothing came for a second, any send time is a new one.
  await trueFrame(attack);
  await forge(attack, () => 1);
});

withstands(
  'sends other bytes as parts of it just behind true ones',
  async (attack) => {
    const seen = await trueFrame(attack);
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
