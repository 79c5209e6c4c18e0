// Whoever can publish at the broker, without the key: takes nothing, stops nothing, is not shown.

import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { assertSaved } from '../lib/contents.mjs';
import { KIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { observe } from '../lib/observer.mjs';
import { scenario } from '../lib/scenario.mjs';

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

for (const [what, attack] of Object.entries(ATTACKS)) {
  scenario(`somebody without the key ${what}, and a transfer goes on as if nobody was there`, async (stage) => {
    const observer = await stage.use(observe(stage.station));
    const { proxy, file, sender, sent, receiver, received } = await inTheMiddle(stage);
    const stranger = await connectAsync(stage.station.observerUrl, { reconnectPeriod: 0 });
    await stage.use(Promise.resolve({ stop: () => stranger.endAsync(true) }));
    const seen = observer.messages.slice(0, 400);
    assert.ok(seen.some(({ payload }) => payload.length > 10_000), 'frames were seen');
    // Slow enough to be under way for as long as that takes.
    proxy.limit = 64 * KIB;
    for (const { topic, payload } of attack(seen)) await stranger.publishAsync(topic, payload, { qos: 1 });
    assert.equal((await received.progress()).state, 'active', 'it is attacked in its middle');

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
  });
}
