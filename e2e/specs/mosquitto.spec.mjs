// Everything through mosquitto, which speaks both versions and here asks for a login.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { arrives, assertSaved, carriesEverything } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';

const login = { username: 'workshop', password: 'p:ss "word" ü' };
/** @type {import('../lib/mosquitto.mjs').Broker} */
let mosquitto;

before(async () => {
  mosquitto = await startMosquitto({ login });
});
after(() => mosquitto?.stop());

const connection = () => ({ broker: mosquitto.broker, ...login });

carriesEverything('mosquitto', connection, { version: 'MQTT 5' });
carriesEverything('mosquitto, 3.1.1', () => ({ ...connection(), protocol: '3.1.1' }), { version: 'MQTT 3.1.1' });

scenario('mosquitto: 100 MiB arrive', async (stage) => {
  await arrives(stage, connection(), [await stage.file('large.bin', 100 * MIB)], { milliseconds: 120_000 });
}, { timeout: 180_000 });

scenario('mosquitto: MQTT 5 is spoken unless 3.1.1 is asked for', async (stage) => {
  await stage.join('Ada', connection());
  await stage.join('Bo', { ...connection(), protocol: '3.1.1' });
  // Mosquitto's own numbers: 5 is MQTT 5, 2 is 3.1.1.
  const versions = mosquitto.said?.flatMap((line) => /New client connected .* as mqdrop.*\((p\d)/.exec(line)?.[1] ?? []);
  assert.deepEqual(versions?.slice(-2), ['p5', 'p2']);
});

/** How often it is killed in the middle of a file, and how much arrives in between at least. */
const KILLS = 3;
const STEP = 8 * MIB;

// With packets above 4,096 bytes it would carry some 40 KB a second, and this would take half an hour.
scenario(`mosquitto: a file arrives though it is killed and started again ${KILLS} times`, async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const broker = await stage.use(startMosquitto());
  const proxy = await stage.use(proxyTo(broker.broker));
  // Slow enough for every kill to come in the middle.
  proxy.limit = 8 * MIB;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, { broker: broker.broker });
  const file = await stage.file('stubborn.bin', 64 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  for (let kill = 0; kill < KILLS; kill += 1) {
    await received.waitForMiddle((await received.progress()).bytes + STEP);
    await broker.kill();
    await broker.restart();
  }
  proxy.limit = Infinity;
  await Promise.all([received.waitForState('done', 60_000), sent.waitForState('done', 60_000)]);
  await assertSaved(received, [file]);
}, { timeout: 180_000 });
