// Everything through mosquitto, which speaks MQTT 5 and here asks for a login.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { carriesEverything } from '../lib/contents.mjs';
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

carriesEverything('mosquitto', connection);

scenario('mosquitto: MQTT 3.1.1 can be asked for', async (stage) => {
  const [sender, receiver] = await stage.pair({ ...connection(), protocol: '3.1.1' });
  const sent = await sender.sendText('over the older version');
  const received = await receiver.incoming(sent);
  await received.waitForState('done');
  assert.match(await sender.statusText(), /3\.1\.1/);
});
