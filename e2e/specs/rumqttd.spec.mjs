// Everything through rumqttd as its example configures it: small messages, and no word about it.

import { after, before } from 'node:test';
import { carriesEverything } from '../lib/contents.mjs';
import { KIB } from '../lib/files.mjs';
import { MAX_PAYLOAD, startRumqttd } from '../lib/rumqttd.mjs';

/** @type {import('../lib/mosquitto.mjs').Broker} */
let rumqttd;

before(async () => {
  rumqttd = await startRumqttd();
});
after(() => rumqttd?.stop());

carriesEverything('rumqttd', () => ({ broker: rumqttd.broker }), {
  version: 'MQTT 3.1.1',
  hangsUp: true,
  limit: { least: 16 * KIB, most: MAX_PAYLOAD },
});
