// A transfer, once accepted, ends with the same bytes at the other side, whatever the network does.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Faults, seedOfRun } from '../lib/faults.mjs';
import { MIB } from '../lib/files.mjs';
import { onItsWay } from '../lib/on-its-way.mjs';
import { scenario } from '../lib/scenario.mjs';
import { arrived, throughProxy } from '../lib/through-proxy.mjs';

/** With `MQDROP_LONG=1` what takes long takes as long as it does to people. */
const LONG = process.env.MQDROP_LONG === '1';
/** In milliseconds. */
const RESETS_FOR = LONG ? 300_000 : 30_000;
/** At least so many of them; more if there is time. */
const RESETS = 10;
const HOLE_FOR = LONG ? 120_000 : 20_000;
/** From when the network is whole again until the file must be there, in milliseconds. */
const RECOVERY = 90_000;

/** The same places go wrong again with `MQDROP_SEED` set to this. */
const seed = seedOfRun();
console.log(`The network's faults follow from MQDROP_SEED=${seed}`);

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
