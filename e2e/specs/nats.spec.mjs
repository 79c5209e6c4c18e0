// Everything through NATS.

import { after, before } from 'node:test';
import { carriesEverything } from '../lib/contents.mjs';
import { startNats } from '../lib/nats.mjs';

/** @type {import('../lib/mosquitto.mjs').Broker} */
let nats;

before(async () => {
  nats = await startNats();
});
after(() => nats?.stop());

carriesEverything('NATS', () => ({ broker: nats.broker }), { version: 'MQTT 3.1.1' });
