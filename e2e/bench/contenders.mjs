// What is compared: each sends so many bytes from one browser to another and says how long it took.

import { strict as assert } from 'node:assert';
import { rateOf } from './app.mjs';
import { rateFrom, sendFromPage, sendPeerToPeer } from './pages.mjs';
import { bestLength, windowOf } from './raw.mjs';

/** @typedef {import('./app.mjs').Course} Course */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(bytes: number) => Promise<number>} run takes a round; returns bytes a second
 */

/** What takes longer than these seconds is ended, and its rate is that of what had come by then. */
const SECONDS = 10;
/** What must not be ended before all has come may take so many. */
const PATIENCE = 120;

/**
 * The contenders, of which the first is the ceiling.
 * @param {Course} course
 * @returns {Promise<Contender[]>}
 */
export async function contenders(course) {
  const raw = await rawSending(course);
  return [
    { name: `raw MQTT, QoS 0, packets of ${raw.length / 1024} KiB, no crypto`, run: (total) => rateOfAll(sendFromPage(course, { ...raw, total }), total) },
    {
      name: 'MQTT.js 5, QoS 1, 64 KiB, 4 in flight, no crypto',
      run: (total) => rateOfAll(sendFromPage(course, { module: 'mqttjs.mjs', total, seconds: PATIENCE, length: 65_536 }), total),
    },
    { name: 'WebRTC data channel, 64 KiB, encrypted by the browser', run: (total) => sendPeerToPeer(course, total, SECONDS).then(rateFrom) },
    { name: 'mqdrop, encrypted, verified and stored', run: (total) => rateOf(course, total) },
  ];
}

/**
 * Raw MQTT at the length that is its best through the station.
 * @param {Course} course
 */
export async function rawSending(course) {
  const length = await bestLength(course);
  return { module: 'raw.mjs', length, window: windowOf(length), seconds: PATIENCE };
}

/**
 * Bytes a second at one receiver, of all that was sent.
 * @param {Promise<import('./pages.mjs').Arrival[]>} arriving
 * @param {number} total
 */
async function rateOfAll(arriving, total) {
  const [arrival] = await arriving;
  assert.equal(arrival?.marks.at(-1)?.bytes, total, 'all bytes arrive');
  return rateFrom(arrival);
}
