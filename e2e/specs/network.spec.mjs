// A transfer, once accepted, ends with the same bytes at the other side, whatever the network does.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { Faults, seedOfRun } from '../lib/faults.mjs';
import { MIB } from '../lib/files.mjs';
import { onItsWay } from '../lib/on-its-way.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';

/** With `MQDROP_LONG=1` what takes long takes as long as it does to people. */
const LONG = process.env.MQDROP_LONG === '1';
/** In milliseconds. */
const RESETS_FOR = LONG ? 300_000 : 30_000;
/** At least so many of them; more if there is time. */
const RESETS = 10;
const HOLE_FOR = LONG ? 120_000 : 20_000;
/** From when the network is whole again until the file must be there, in milliseconds. */
const RECOVERY = 90_000;

/** Slow enough to begin with faults before all has passed, in bytes a second. */
const AT_FIRST = 8 * MIB;

/** The same places go wrong again with `MQDROP_SEED` set to this. */
const seed = seedOfRun();
console.log(`The network's faults follow from MQDROP_SEED=${seed}`);

/**
 * A file on its way, through one proxy before both devices.
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {number} size in bytes
 */
async function throughProxy(stage, size) {
  stage.expectNoise(SOCKET_FAILED);
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = AT_FIRST;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker });
  return { proxy, sender, receiver, ...(await onItsWay(stage, sender, receiver, size)) };
}

/**
 * Waits until both sides are done and compares what is saved.
 * @param {{ file: import('../lib/files.mjs').MadeFile, sent: import('../lib/transfer.mjs').Transfer, received: import('../lib/transfer.mjs').Transfer }} journey
 * @param {number} milliseconds
 */
async function arrived({ file, sent, received }, milliseconds) {
  await Promise.all([received.waitForState('done', milliseconds), sent.waitForState('done', milliseconds)]);
  await assertSaved(received, [file]);
}

scenario('200 MB arrive though every connection is cut every two seconds', async (stage) => {
  const { proxy, sender, ...journey } = await throughProxy(stage, 200_000_000);
  // Two cuts while frames are still growing would look like a broker's limit.
  await journey.received.waitForMiddle(64 * MIB);
  proxy.limit = 16 * MIB;
  let cuts = 0;
  const cutting = setInterval(() => {
    proxy.cut();
    cuts += 1;
  }, 2_000);
  try {
    await arrived(journey, 240_000);
  } finally {
    clearInterval(cutting);
  }
  assert.ok(cuts >= 5, `there were ${cuts} cuts`);
  assert.equal(await sender.limit(), undefined, 'a cut is no limit of the broker');
}, { timeout: 300_000 });

scenario('files arrive, one after the other, though one chunk in a hundred breaks the connection', async (stage) => {
  const SIZE = 10 * MIB;
  const { proxy, sender, receiver, ...first } = await throughProxy(stage, SIZE);
  proxy.faults = new Faults('reset', 0.01, seed);
  proxy.limit = Infinity;
  // What is open has begun without faults.
  proxy.cut();
  const end = Date.now() + RESETS_FOR;
  const last = end + RECOVERY;
  await arrived(first, RECOVERY);
  for (let count = 1; Date.now() < end || (proxy.faults.happened < RESETS && Date.now() < last); count += 1) {
    await arrived(await onItsWay(stage, sender, receiver, SIZE, { name: `travels ${count}.bin` }), RECOVERY);
  }
  assert.ok(proxy.faults.happened >= RESETS, `${proxy.faults.happened} connections were reset`);
}, { timeout: RESETS_FOR + 2 * RECOVERY + 60_000 });

scenario('a file arrives though one chunk in fifty is spoilt', async (stage) => {
  const { proxy, ...journey } = await throughProxy(stage, 40 * MIB);
  proxy.faults = new Faults('corrupt', 0.02, seed);
  proxy.limit = Infinity;
  proxy.cut();
  await arrived(journey, 180_000);
  assert.ok(proxy.faults.happened >= 3, `${proxy.faults.happened} chunks were spoilt`);
}, { timeout: 240_000 });

scenario(`a file arrives though nothing gets through for ${HOLE_FOR / 1000} seconds`, async (stage) => {
  const { proxy, ...journey } = await throughProxy(stage, 40 * MIB);
  await journey.received.waitForMiddle(8 * MIB);
  proxy.blackHole();
  await delay(HOLE_FOR);
  const { bytes, total } = await journey.received.progress();
  assert.ok(bytes < total, 'the hole was in the middle');
  proxy.heal();
  await arrived(journey, RECOVERY);
}, { timeout: HOLE_FOR + RECOVERY + 60_000 });

scenario('300 ms round trip at 20 Mbit/s are put to use, after a cut as before', async (stage) => {
  const RATE = 2_500_000;
  stage.expectNoise(SOCKET_FAILED);
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.latency = 150;
  proxy.limit = RATE;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  for (const name of ['before.bin', 'after.bin']) {
    const journey = await onItsWay(stage, sender, receiver, 20 * MIB, { name });
    const began = Date.now();
    await journey.sent.waitForState('done', RECOVERY);
    const share = journey.file.size / RATE / ((Date.now() - began) / 1000);
    assert.ok(share > 0.6, `${name} uses ${Math.round(share * 100)} % of what the line can do`);
    await arrived(journey, RECOVERY);
    proxy.cut();
    await sender.waitUntilNotOnline();
    await sender.waitForStatus('online');
  }
}, { timeout: 180_000 });
