// What is compared: each sends so many bytes from one browser to another and says how long it took.

import { strict as assert } from 'node:assert';
import { KIB } from '../lib/files.mjs';
import { arrives, rateOf } from './app.mjs';

/** @typedef {import('./app.mjs').Course} Course */

/**
 * A hand-written contender: a module with `send` and `receive`, and its messages' length in bytes.
 * @typedef {{ module: string, payload: number }} Pages
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(course: Course, bytes: number) => Promise<number>} run takes a round; returns bytes a second
 */

/** The ceiling. @type {Pages} */
export const RAW = { module: 'raw.mjs', payload: 256 * KIB };
/** @type {Pages} */
const MQTT_JS = { module: 'mqttjs.mjs', payload: 64 * KIB };

/** @type {Contender[]} */
export const CONTENDERS = [
  { name: 'raw MQTT, QoS 0, 256 KiB, no acknowledgement, no crypto', run: oneToOne(RAW) },
  { name: 'MQTT.js 5, QoS 1, 64 KiB, 4 in flight, no crypto', run: oneToOne(MQTT_JS) },
  { name: 'mqdrop, encrypted, verified and stored', run: (course, bytes) => rateOf(course, bytes) },
];

/**
 * @param {Pages} contender
 * @returns {Contender['run']}
 */
function oneToOne(contender) {
  return async (course, total) => {
    const [arrived] = await sendFromPage(course, contender, total, 1);
    assert.equal(arrived?.bytes, total, `all bytes of ${contender.module} arrive`);
    return total / arrived.seconds;
  };
}

/**
 * Sends from a page to others. A broker may drop what has no acknowledgement for those that fall behind.
 * @param {Course} course
 * @param {Pages} contender
 * @param {number} total in bytes
 * @param {number} count how many receive
 * @returns {Promise<{ bytes: number, seconds: number }[]>} what arrived at each receiver, and in what time
 */
export async function sendFromPage({ sender, receiver, station, pages }, { module, payload }, total, count) {
  const options = { module: `./${module}`, broker: station.broker, topic: `bench/${Date.now()}`, total, payload };
  const blank = `${pages}/bench/pages/blank.html`;
  const receivers = Array.from({ length: count }, () => receiver);
  const [from, ...to] = await Promise.all([sender, ...receivers].map((browser) => browser.open(blank)));
  assert.ok(from);
  try {
    // Kept in the page: a promise inside an object does not cross over.
    const ready = to.map((page) =>
      page.evaluate(async (each) => {
        const { receive } = await import(each.module);
        Object.assign(window, await receive(each));
      }, options),
    );
    await arrives(Promise.all(ready), 0, `subscribing with ${module}`);
    const sending = from.evaluate(async (each) => (await import(each.module)).send(each), options);
    const began = await arrives(sending, total, `sending with ${module}`);
    /** @type {Promise<{ bytes: number, at: number }>[]} */
    const receiving = to.map((page) => page.evaluate(() => /** @type {any} */ (window).done));
    const ends = await arrives(Promise.all(receiving), total, `receiving with ${module}`);
    return ends.map(({ bytes, at }) => ({ bytes, seconds: (at - began) / 1000 }));
  } finally {
    await Promise.all([from, ...to].map((page) => page.close()));
  }
}
