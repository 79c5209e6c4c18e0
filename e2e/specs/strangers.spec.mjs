// Whoever can connect to the broker, without the key: takes nothing, stops nothing, is not shown.

import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { assertSaved } from '../lib/contents.mjs';
import { KIB, MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { inTime } from '../lib/in-time.mjs';
import { observe } from '../lib/observer.mjs';
import { onItsWay, pairBehindProxies } from '../lib/on-its-way.mjs';
import { scenario } from '../lib/scenario.mjs';
import { takePlace } from '../lib/thief.mjs';

/** Topics and payloads that were seen, no two alike. @typedef {{ topic: string, payload: Buffer }[]} Seen */

/**
 * What somebody makes of what was seen.
 * @type {Record<string, (seen: Seen) => Seen>}
 */
const ATTACKS = {
  'repeats everything': (seen) => [...seen, ...seen.toReversed()],
  'spoils everything': (seen) =>
    seen.map(({ topic, payload }) => {
      const spoilt = Buffer.from(payload);
      if (spoilt.length > 0) spoilt[randomInt(spoilt.length)] ^= 1 + randomInt(255);
      return { topic, payload: spoilt };
    }),
  'cuts everything short': (seen) =>
    seen.map(({ topic, payload }) => ({ topic, payload: payload.subarray(0, randomInt(payload.length + 1)) })),
  'says what was said elsewhere': (seen) => seen.map(({ payload }, place) => ({ topic: seen[(place * 7 + 3) % seen.length].topic, payload })),
  'sends noise': (seen) => seen.flatMap(({ topic }) => [0, 1, 40, 5_000].map((length) => ({ topic, payload: randomBytes(length) }))),
  'floods': (seen) =>
    Array.from({ length: 5_000 }, (_, place) => {
      const { topic, payload } = seen[place % seen.length];
      return { topic, payload: payload.subarray(0, 2_000) };
    }),
};

scenario('whatever somebody without the key sends, a transfer goes on as if nobody was there', async (stage) => {
  const observer = await stage.use(observe(stage.station));
  const { proxy, file, sender, sent, receiver, received } = await inTheMiddle(stage);
  const stranger = await connectAsync(stage.station.observerUrl, { reconnectPeriod: 0 });
  await stage.use(Promise.resolve({ stop: () => stranger.endAsync(true) }));
  const seen = observer.messages.slice(0, 400);
  assert.ok(seen.some(({ payload }) => payload.length > 10_000), 'frames were seen');
  // Slow enough to be under way for as long as that takes.
  proxy.limit = 64 * KIB;
  for (const [what, attack] of Object.entries(ATTACKS)) {
    for (const { topic, payload } of attack(seen)) await stranger.publishAsync(topic, payload, { qos: 1 });
    assert.equal((await received.progress()).state, 'active', `in its middle somebody ${what}`);
    for (const room of [sender, receiver]) {
      assert.equal(await room.peerCount(), 1, `nobody else is shown when somebody ${what}`);
      assert.equal(await room.byId('error').count(), 0, `somebody ${what}`);
    }
  }

  proxy.limit = Infinity;
  await received.waitForState('done');
  await sent.waitForState('done');
  await assertSaved(received, [file]);
  for (const room of [sender, receiver]) {
    assert.equal(await room.peerCount(), 1, 'nobody else is shown');
    assert.equal(await room.byId('error').count(), 0);
    assert.equal((await room.parcels('in')).length + (await room.parcels('out')).length, 1);
  }
  // And both are still well.
  const text = await receiver.sendText('still here');
  await (await sender.incoming(text)).waitForState('done');
}, { timeout: 180_000 });

/** How often somebody takes a device's connection over. */
const TAKEOVERS = 3;
/** How much arrives between two of them, at least; in bytes. */
const STEP = MIB;

/**
 * A file on its way, each device behind a proxy of its own.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {number} limit in bytes a second
 */
async function betweenProxies(stage, limit) {
  const pair = await pairBehindProxies(stage, stage.station.broker, limit);
  return { ...pair, ...(await onItsWay(stage, pair.sender, pair.receiver, 24 * MIB)) };
}

/**
 * Connects with the client id of a device, and waits until that has its connection back.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {string} clientId
 * @param {boolean} clean whether the device's session is forgotten; else what was meant for it is heard
 */
async function takeOver(stage, clientId, clean) {
  const { takenBack } = await takePlace(stage, stage.station, clientId, clean);
  await takenBack();
}

for (const side of /** @type {const} */ (['sender', 'receiver'])) {
  scenario(`somebody takes the ${side}'s connection over ${TAKEOVERS} times, and each time it is taken back`, async (stage) => {
    const { near, far, sender, receiver, file, sent, received } = await betweenProxies(stage, 5 * MIB);
    const { wire } = side === 'sender' ? near : far;
    const [clientId] = wire.clientIds;
    for (let takeover = 0; takeover < TAKEOVERS; takeover += 1) {
      await received.waitForMiddle((await received.progress()).bytes + STEP);
      await takeOver(stage, clientId, takeover % 2 === 0);
    }
    near.proxy.limit = far.proxy.limit = Infinity;
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    await assertSaved(received, [file]);
    assert.deepEqual(wire.clientIds, Array(1 + TAKEOVERS).fill(clientId), 'one connection more for each that was taken');
    for (const room of [sender, receiver]) {
      await room.waitForStatus('online');
      assert.equal(await room.peerCount(), 1, 'nobody else is shown');
    }
  });
}

scenario('a connection that was taken over is not taken for one that died of a message too long', async (stage) => {
  const RATE = 16 * MIB;
  const { near, sender, file, sent, received } = await betweenProxies(stage, RATE);
  const { proxy, wire } = near;
  const [clientId] = wire.clientIds;
  // The second time that a connection dies of a length, the length before is the broker's limit.
  for (let takeover = 0; takeover < 2; takeover += 1) {
    const longFrame = new Promise((resolve) => {
      wire.onFrame = (bytes) => {
        if (bytes < 200 * KIB) return;
        // It will not have arrived when the connection is gone.
        proxy.limit = 256 * KIB;
        resolve(undefined);
      };
    });
    await inTime(longFrame, 30_000, 'a long message');
    await takeOver(stage, clientId, true);
    wire.onFrame = () => {};
    proxy.limit = RATE;
  }
  await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
  await assertSaved(received, [file]);
  assert.deepEqual(wire.clientIds, Array(3).fill(clientId), 'it was taken over in the middle');
  assert.equal(await sender.limit(), undefined, 'the broker said why it hung up');
});
