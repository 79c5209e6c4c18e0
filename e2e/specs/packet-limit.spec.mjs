// Brokers with small packets: the app stays below the limit and names it.

import assert from 'node:assert/strict';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { arrives } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { BLOCK } from '../lib/member/parcel.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';

/** In bytes: one block fits, two do not. */
const LIMIT = 20_000;
/** Enough for lengths to be tried: packets begin short. */
const SIZE = 24 * MIB;

/** Brokers, how they tell of the limit, and which version is asked for. */
const BROKERS = [
  { name: 'mosquitto, announced', start: () => startMosquitto({ maxPacket: LIMIT }), protocol: undefined, announced: true },
  { name: 'mosquitto, found out', start: startBehindProxy, protocol: '3.1.1', announced: false },
  { name: 'station, announced', start: () => startStation(['--max-packet', String(LIMIT)]), protocol: undefined, announced: true },
  { name: 'station, found out', start: () => startStation(['--max-packet', String(LIMIT)]), protocol: '3.1.1', announced: false },
];

/** Mosquitto keeps its limit on its plain listener only. */
async function startBehindProxy() {
  const mosquitto = await startMosquitto({ maxPacket: LIMIT });
  const proxy = await new Proxy(Number(new URL(mosquitto.observerUrl).port), { unwraps: true }).open();
  return {
    ...mosquitto,
    broker: proxy.broker,
    stop: async () => {
      await proxy.stop();
      await mosquitto.stop();
    },
  };
}

for (const { name, start, protocol, announced } of BROKERS) {
  scenario(`a limit of ${LIMIT} bytes (${name}) is kept and named`, async (stage) => {
    // Who knows the limit never runs into it.
    if (!announced) stage.expectNoise(SOCKET_FAILED);
    const { broker } = await stage.use(/** @type {Promise<import('../lib/mosquitto.mjs').Broker>} */ (start()));
    const file = await stage.file('small-packets.bin', SIZE);
    const { sender } = await arrives(stage, { broker, protocol }, [file], { milliseconds: 90_000 });
    const shown = await sender.limit();
    if (announced) {
      assert.equal(shown, LIMIT);
    } else {
      // Being hung up on tells no exact figure.
      // With less than a block in a frame nothing would work at all.
      assert.ok(shown !== undefined && shown >= BLOCK && shown <= LIMIT, String(shown));
    }
  }, { timeout: 180_000 });
}

scenario('a limit that was found out is remembered, but not for ever', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const { broker } = await stage.use(startStation(['--max-packet', String(LIMIT)]));
  const connection = { broker, protocol: /** @type {const} */ ('3.1.1') };
  const file = await stage.file('small-packets.bin', SIZE);
  const { sender } = await arrives(stage, connection, [file], { milliseconds: 90_000 });
  const limit = await sender.limit();
  assert.ok(limit, 'it was found out');
  // As if it had been found out so many days before.
  const age = (/** @type {number} */ days) =>
    sender.page.evaluate((days) => {
      const name = Object.keys(localStorage).find((name) => name.startsWith('mqdrop.learnt.')) ?? '';
      const lesson = (localStorage.getItem(name) ?? '').replace(/day=(\d+)/, (_, day) => `day=${day - days}`);
      localStorage.setItem(name, lesson);
      return lesson;
    }, days);
  const lesson = await age(3);
  await sender.reload();
  assert.equal(await sender.limit(), limit, 'nothing has to be sent to know it');
  assert.equal(await age(0), lesson, 'being of use does not make it newer');
  assert.notEqual(await age(5), lesson);
  await sender.reload();
  assert.equal(await sender.limit(), undefined, 'the broker may have another one by now');
}, { timeout: 180_000 });
