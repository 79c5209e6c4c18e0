// What goes wrong with a broker is said in words and mends itself.

import assert from 'node:assert/strict';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { MIB } from '../lib/files.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { freePort } from '../lib/processes.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';

/** Reconnecting backs off, so coming back may take a while. */
const RECONNECT_PATIENCE = 60_000;

scenario('an address where no broker answers is named, and waiting for one is enough', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const address = proxy.broker;
  await proxy.close();
  const room = await stage.open('Ada');
  await room.join({ key: KEY, name: 'Ada', broker: address });
  await room.waitForStatus('error');
  const text = await room.statusText();
  assert.ok(text.length > 20, `the status explains: ${text}`);
  assert.match(text, /address|reach|answer/i);
  await proxy.open();
  await room.waitForStatus('online', RECONNECT_PATIENCE);
});

scenario('what is not a WebSocket address is refused before joining', async (stage) => {
  const room = await stage.open('Ada');
  await room.join({ key: KEY, name: 'Ada', broker: 'ftp://example.com/mqtt' });
  await room.byId('error').waitFor();
  assert.match(await room.byId('error').innerText(), /wss?:\/\//);
  assert.ok(await room.byId('key-input').isVisible(), 'the form stays');
});

scenario('a refused login is named as such', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const login = { username: 'workshop', password: 'right' };
  const mosquitto = await stage.use(startMosquitto({ login }));
  const proxy = await stage.use(proxyTo(mosquitto.broker));
  const room = await stage.open('Ada');
  await room.join({ key: KEY, name: 'Ada', broker: proxy.broker, username: 'workshop', password: 'wrong' });
  await room.waitForStatus('error');
  assert.match(await room.statusText(), /user name|login|password|not authori[sz]ed/i);
  assert.equal(await room.byId('status').getAttribute('data-remedy'), 'login');
  // The form stays, at the password.
  await room.page.locator('[data-testid="password-input"]:focus').waitFor();
  assert.match(await room.byId('error').innerText(), /password/);
  assert.equal(await room.byId('leave').count(), 0, 'nothing goes on that could be stopped');
  await room.join({ password: 'right' });
  await room.waitForStatus('online');

  // In the room a button leads back to the form.
  await proxy.close();
  await room.waitForStatus('error');
  await room.byId('change-connection').click();
  await room.page.locator('[data-testid="broker-input"]:focus').waitFor();
  await room.join({ broker: stage.station.broker });
  await room.waitForStatus('online');
});

scenario("the station's login is asked of everyone", async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const station = await stage.use(startStation(['--user', 'house:guest']));
  const room = await stage.open('Ada', {}, { origin: station.origin });
  await room.join({ key: KEY, name: 'Ada' });
  await room.waitForStatus('error');
  assert.match(await room.statusText(), /user name|login|password|not authori[sz]ed/i);

  const [sender, receiver] = await stage.pair(
    { broker: station.broker, username: 'house', password: 'guest' },
  );
  const sent = await sender.sendText('behind a login');
  const received = await receiver.incoming(sent);
  await received.waitForState('done');
});

scenario('a broker that goes away and comes back is rejoined without a click', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const station = await stage.use(startStation());
  const [sender, receiver] = await stage.pair({ broker: station.broker });
  await station.stop();
  for (const room of [sender, receiver]) {
    await room.waitUntilNotOnline();
    assert.match(await room.statusText(), /lost|reach|broker/i);
  }
  await station.restart();
  await Promise.all([sender, receiver].map((room) => room.waitForStatus('online', RECONNECT_PATIENCE)));
  const file = await stage.file('again.bin', MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await assertSaved(received, [file]);
});

for (const side of ['sender', 'receiver']) {
  scenario(`a transfer survives the ${side}'s connection breaking in its middle`, async (stage) => {
    stage.expectNoise(SOCKET_FAILED);
    const proxy = await stage.use(proxyTo(stage.station.broker));
    proxy.limit = 4 * MIB;
    const broken = { broker: proxy.broker };
    const [sender, receiver] = await stage.pair(side === 'sender' ? broken : {}, side === 'sender' ? {} : broken);
    const file = await stage.file('broken.bin', 24 * MIB);
    const sent = await sender.sendFiles([file.path]);
    const received = await receiver.incoming(sent);
    await received.press('accept');
    await received.waitForMiddle(4 * MIB);
    await proxy.close();
    await (side === 'sender' ? sender : receiver).waitUntilNotOnline();
    proxy.limit = Infinity;
    await proxy.open();
    await received.waitForState('done', 90_000);
    await sent.waitForState('done');
    await assertSaved(received, [file]);
  }, { timeout: 180_000 });
}

scenario('an address nobody listens on does not keep the person from trying another', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const room = await stage.open('Ada');
  await room.join({ key: KEY, name: 'Ada', broker: `ws://127.0.0.1:${await freePort()}/mqtt` });
  await room.waitForStatus('error');
  await room.byId('leave').click();
  await room.join({ broker: stage.station.broker, key: KEY });
  await room.waitForStatus('online');
});
