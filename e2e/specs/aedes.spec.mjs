// Everything through aedes, which speaks MQTT 3.1.1 only: the app finds that out by itself.

import { after, before } from 'node:test';
import { startAedes } from '../lib/aedes.mjs';
import { carriesEverything } from '../lib/contents.mjs';

/** @type {import('../lib/mosquitto.mjs').Broker} */
let aedes;

before(async () => {
  aedes = await startAedes();
});
after(() => aedes?.stop());

carriesEverything('aedes', () => ({ broker: aedes.broker }), { version: 'MQTT 3.1.1' });
