// A broker that says what no broker may: it is left or not listened to, and nothing else comes of it.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { KIB, MIB } from '../lib/files.mjs';
import { hostileTo, packet } from '../lib/hostile-broker.mjs';
import { SIZE } from '../lib/in-the-middle.mjs';
import { openRoom } from '../lib/member/keys.mjs';
import { onItsWay } from '../lib/on-its-way.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { PATIENCE } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { Tabs } from '../lib/tabs.mjs';

/** @typedef {import('../lib/hostile-broker.mjs').Client} Client */
/** @typedef {import('../lib/hostile-broker.mjs').HostileBroker} HostileBroker */
/** @typedef {import('../lib/room.mjs').Room} Room */

/** What answers who speaks to the wrong server. */
const NO_MQTT = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
/** The beginning of a PUBLISH that is as long as can be. */
const HUGE = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1]);
/** The length it says it has, in bytes. */
const HUGE_LENGTH = 2 ** 28 - 1;
/** A WebSocket message that is longer than the app takes. */
const LONG = Buffer.alloc(70 * MIB);

/** What a flood comes to in messages of each kind, in bytes. */
const FLOOD = 192 * MIB;

/**
 * What a broker floods a window with: packets of some size, and how many of them a WebSocket message has.
 * @type {Record<string, { size: number, packets: number }[]>}
 */
const FLOODS = {
  packets: [{ size: 16 * KIB, packets: 1 }, { size: MIB, packets: 1 }],
  'messages with many packets': [{ size: 64 * KIB, packets: 192 }],
};

/** How much heaps may grow by it: 36 MiB were seen, all of it what the browser had not yet collected. */
const FLOODED = { peak: 96 * MIB, kept: 16 * MIB };

/** What the app says of what is no MQTT. */
const INVALID = /sent something that is not valid MQTT/;

/**
 * One thing that a broker does.
 * @typedef {object} Evil
 * @property {(client: Client) => unknown} act
 * @property {RegExp} [said] what the status says of it; without, the connection goes on
 * @property {boolean} [atFirst] whether it is done to a connection that just came
 */

/** @type {Record<string, Evil>} */
const EVILS = {
  'sends what is no MQTT': { act: (client) => client.say(NO_MQTT), said: INVALID },
  'announces 268 MB and sends a little': { act: (client) => client.say(HUGE), said: INVALID },
  'announces 268 MB and sends more and more': { act: sendMoreAndMore, said: INVALID },
  'sends text': { act: (client) => client.say('hello'), said: INVALID },
  'sends a message of 70 MiB': { act: (client) => client.say(LONG), said: INVALID },
  'acknowledges what was never sent': { act: acknowledgeAll },
  'sends PUBREC where nothing is sent at QoS 2': { act: (client) => client.say(client.acknowledgement(0x50, 7)), said: INVALID },
  'accepts a connection twice': { act: (client) => client.say(accept(client)), said: INVALID },
  'grants a subscription before it accepts the connection': { act: (client) => client.say(grant(client)), said: INVALID, atFirst: true },
  'delivers a message before it accepts the connection': { act: (client) => client.say(client.publish('a', NO_MQTT)), said: INVALID, atFirst: true },
  'delivers what nobody asked for': { act: deliverAnything },
  'delivers thousands of messages that nobody asked for': { act: (client) => client.repeat(client.publish('else/where', Buffer.alloc(KIB)), 5_000) },
  'delivers at QoS 2': { act: (client) => client.say(client.publish('a', NO_MQTT, { flags: 4, id: 7 })), said: INVALID },
  'delivers at a QoS that does not exist': { act: (client) => client.say(client.publish('a', NO_MQTT, { flags: 6, id: 7 })), said: INVALID },
};

scenario('whatever a broker does that none may, it is left or not listened to, and the transfer completes', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const near = await stage.use(hostileTo(proxy.broker));
  const far = await stage.use(hostileTo(stage.station.broker));
  // The windows speak different versions of MQTT.
  const [sender, receiver] = await stage.pair({ broker: near.broker, protocol: '5' }, { broker: far.broker, protocol: '3.1.1' });
  proxy.limit = 5 * MIB;
  const { file, sent, received } = await onItsWay(stage, sender, receiver, SIZE);
  await Promise.all([sent.waitForMiddle(MIB), received.waitForMiddle(MIB)]);
  // Slow enough to be under way for as long as all that takes.
  proxy.limit = 64 * KIB;
  for (const [what, evil] of Object.entries(EVILS)) {
    try {
      await meets(receiver, far, evil);
      await meets(sender, near, evil);
      await received.waitForMiddle();
      for (const room of [sender, receiver]) assert.equal(await room.byId('error').count(), 0);
    } catch (error) {
      throw new Error(`a broker ${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }

  proxy.limit = Infinity;
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);
  for (const room of [sender, receiver]) {
    assert.equal(await room.byId('error').count(), 0);
    assert.equal(await room.limit(), undefined, 'the broker does not limit messages');
  }
}, { timeout: 240_000 });

scenario('a broker that the app leaves again and again while it sends is not said to limit messages', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  const near = await stage.use(hostileTo(proxy.broker));
  const [sender, receiver] = await stage.pair({ broker: near.broker }, {});
  proxy.limit = MIB;
  const { file, sent, received } = await onItsWay(stage, sender, receiver, SIZE);
  for (let time = 0; time < 3; time += 1) {
    const { bytes } = await received.progress();
    await received.waitForMiddle(bytes + 128 * KIB);
    const { client } = near;
    await client.say(NO_MQTT);
    await client.left();
    await sender.waitForStatus('online');
  }
  proxy.limit = Infinity;
  await received.waitForState('done');
  await sent.waitForReceiver('Bo', 'done');
  await assertSaved(received, [file]);
  assert.equal(await sender.limit(), undefined);
});

/** What a broker may say instead of accepting a connection, and what the status makes of it. @type {[(client: Client) => unknown, RegExp][]} */
const WELCOMES = [
  [(client) => client.say(NO_MQTT), /not valid MQTT \(flags that MQTT reserves\)/],
  [(client) => client.say(LONG), /not valid MQTT \(a WebSocket message too long to take in\)/],
  [sendMoreAndMore, /not valid MQTT \(a packet larger than this client takes\)/],
  [(client) => client.say('hello'), /not valid MQTT \(a WebSocket message of text\)/],
];

scenario('a broker that is evil from the beginning is named, fills no memory and can be left', async (stage) => {
  const tabs = await stage.use(Tabs.launch());
  const broker = await stage.use(hostileTo(stage.station.broker));
  // What the first room takes is no growth.
  const room = await stage.join('Ada', {}, { engine: tabs });
  const heaps = await tabs.watchHeaps(room.page);
  await room.byId('leave').click();
  // What is too long is never taken in, but the browser collects it when it likes: three were seen at once.
  await heaps.stayBelow({ peak: 5 * LONG.length, kept: 8 * MIB }, async () => {
    for (const [place, [welcome, said]] of WELCOMES.entries()) {
      broker.welcome = welcome;
      if (place === 0) await room.join({ key: KEY, name: 'Ada', broker: broker.broker });
      await room.byId('status').filter({ hasText: said }).waitFor({ timeout: PATIENCE });
      await room.waitForStatus('error');
      assert.match(await room.statusText(), /Trying again …/);
    }
  });

  await room.byId('leave').click();
  await room.join({ key: KEY, broker: stage.station.broker });
  await room.waitForStatus('online');
});

for (const [what, messages] of Object.entries(FLOODS)) {
  scenario(`a flood of ${what} that nobody asked for fills no memory`, async (stage) => {
    const tabs = await stage.use(Tabs.launch());
    const broker = await stage.use(hostileTo(stage.station.broker));
    const [sender, receiver] = await stage.pair({}, { broker: broker.broker }, {}, { engine: tabs });
    const heaps = await tabs.watchHeaps(receiver.page);
    const { client } = broker;
    await heaps.stayBelow(FLOODED, async () => {
      for (const { size, packets } of messages) {
        const one = client.publish('else/where', Buffer.alloc(size));
        await client.repeat(Buffer.concat(Array(packets).fill(one)), FLOOD / (size * packets));
      }
      await client.handled();
    });

    const text = await sender.sendText('still here');
    await (await receiver.incoming(text)).waitForState('done');
    assert.equal(broker.connections, 1, 'the connection goes on');
  });
}

/**
 * A window meets something evil, and stays or comes back.
 * @param {Room} room
 * @param {HostileBroker} broker
 * @param {Evil} evil
 */
async function meets(room, broker, { act, said, atFirst = false }) {
  const before = broker.connections;
  if (said === undefined) {
    await act(broker.client);
    await broker.client.handled();
    await room.waitForStatus('online');
    assert.equal(broker.connections, before, 'the connection goes on');
    return;
  }
  // What the window says meanwhile stays until it was read.
  if (atFirst) {
    await isWelcomed(broker, act);
  } else {
    broker.lock();
    await act(broker.client);
  }
  await broker.client.left();
  await room.byId('status').filter({ hasText: said }).waitFor({ timeout: PATIENCE });
  broker.unlock();
  await room.waitForStatus('online');
  assert.equal(broker.connections, before + (atFirst ? 2 : 1), 'one new connection was enough');
}

/**
 * Lets a window come back once, to something evil.
 * @param {HostileBroker} broker
 * @param {(client: Client) => unknown} act
 */
async function isWelcomed(broker, act) {
  const came = new Promise((resolve) => {
    broker.welcome = async (client) => {
      broker.lock();
      broker.welcome = undefined;
      await client.connected;
      await act(client);
      resolve(undefined);
    };
  });
  broker.client.end();
  await came;
}

/** @param {Client} client */
async function sendMoreAndMore(client) {
  await client.say(HUGE);
  const piece = Buffer.alloc(MIB);
  const said = await client.repeat(piece, HUGE_LENGTH / MIB);
  assert.ok(said < HUGE_LENGTH / MIB - 1, 'it is not heard to the end');
}

/** @param {Client} client */
async function acknowledgeAll(client) {
  const results = client.version >= 5 ? [0] : [];
  for (const id of [0x7fff, 0xfffd, 0xffff]) {
    await client.say(client.acknowledgement(0x40, id));
    await client.say(client.acknowledgement(0x90, id, [0]));
    await client.say(client.acknowledgement(0xb0, id, results));
  }
}

/** @param {Client} client */
async function deliverAnything(client) {
  const room = `mqdrop/1/${openRoom(KEY).room}`;
  for (const topic of [`${room}/d/aaaaaaaaaaaaaaaa`, `${room}/i/aaaaaaaaaaaaaaaa`, `${room}/x`, `${room}/`, '$SYS/broker/uptime', 'else/where']) {
    for (const flags of [0, 1]) await client.say(client.publish(topic, Buffer.alloc(500, 1), { flags }));
    await client.say(client.publish(topic, Buffer.alloc(500, 1), { flags: 2, id: 7 }));
  }
}

/** @param {Client} client */
function accept({ version }) {
  return packet(0x20, Buffer.from(version >= 5 ? [0, 0, 0] : [0, 0]));
}

/** @param {Client} client */
function grant(client) {
  return client.acknowledgement(0x90, 1, [0, 0]);
}
