// Everything through aedes, which speaks MQTT 3.1.1 only: the app finds that out by itself.

import { after, before } from 'node:test';
import { startAedes } from '../lib/aedes.mjs';
import { arrives, carriesEverything } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

/** @type {import('../lib/mosquitto.mjs').Broker} */
let aedes;

before(async () => {
  aedes = await startAedes();
});
after(() => aedes?.stop());

carriesEverything('aedes', () => ({ broker: aedes.broker }), { version: 'MQTT 3.1.1' });

scenario('aedes: 100 MiB arrive', async (stage) => {
  await arrives(stage, { broker: aedes.broker }, [await stage.file('large.bin', 100 * MIB)], { milliseconds: 240_000 });
}, { timeout: 300_000 });
