// Everything through mosquitto, which speaks both versions and here asks for a login.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { arrives, carriesEverything } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
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
