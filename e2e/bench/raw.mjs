// The ceiling at a broker: the best rate of raw MQTT over the lengths of packets.

import { KIB, MIB } from '../lib/files.mjs';
import { sendBetween, withPages } from './pages.mjs';
import { countProcessorTime } from './processes.mjs';

/** @typedef {import('./app.mjs').Course} Course */
/** @typedef {import('./pages.mjs').Arrival} Arrival */

/** Of whole packets, topic and head included, in bytes: some brokers' limits count those as well. */
export const LENGTHS = [2, 4, 16, 64, 256, 896].map((length) => length * KIB);

/** How long each length is tried, and the part at the beginning that does not count, in seconds. */
const TRIED = 1.5;
const BEGINNING = 0.5;

/** Most that is under way, in bytes. */
const WINDOW = 2 * MIB;
/** Packets under way: brokers drop what is more than so many hundred behind, whatever their length. */
const MOST_PACKETS = 256;
/** And as many at least as keep two sides and a broker busy. */
const FEWEST_PACKETS = 4;

/**
 * What a receiver grants to raw MQTT.
 * @param {number} length of a packet, in bytes
 */
export function windowOf(length) {
  return Math.max(FEWEST_PACKETS * length, Math.min(WINDOW, MOST_PACKETS * length));
}

/**
 * Tries a length at a broker.
 * @param {Course} course
 * @param {number} length
 * @param {{ from?: string, to?: string }} [brokers] the station, if none is named
 * @returns {Promise<{ rate: number, bytes: number, usage: import('./processes.mjs').Usage }>} bytes a second without the
 *   beginning, all bytes, and the processor time for these
 */
export function rawRate(course, length, brokers) {
  const sending = { module: 'raw.mjs', total: Number.MAX_SAFE_INTEGER, seconds: TRIED, length, window: windowOf(length), brokers };
  return withPages(course, 1, async (from, to) => {
    const count = await countProcessorTime();
    const [arrival = { began: 0, marks: [] }] = await sendBetween(course, from, to, sending);
    return { rate: rateAfter(arrival, BEGINNING), bytes: arrival.marks.at(-1)?.bytes ?? 0, usage: await count() };
  });
}

/**
 * The length that is the fastest through the station, as other contenders go through that.
 * @param {Course} course
 */
export async function bestLength(course) {
  let [best, most] = [0, -1];
  for (const length of LENGTHS) {
    const { rate } = await rawRate(course, length);
    if (rate > most) [best, most] = [length, rate];
  }
  return best;
}

/**
 * The rate without the beginning.
 * @param {Arrival} arrival
 * @param {number} seconds that do not count
 * @returns {number} bytes a second
 */
function rateAfter({ began, marks }, seconds) {
  const from = began + seconds * 1000;
  const last = marks.at(-1);
  if (!last || last.at <= from) return 0;
  const before = marks.findLast(({ at }) => at <= from)?.bytes ?? 0;
  return ((last.bytes - before) / (last.at - from)) * 1000;
}
