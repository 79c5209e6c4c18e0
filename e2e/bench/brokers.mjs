// mqdrop through every broker, beside the most that raw MQTT carries there.

import { cpus } from 'node:os';
import { startAedes } from '../lib/aedes.mjs';
import { startMosquitto } from '../lib/mosquitto.mjs';
import { startNats } from '../lib/nats.mjs';
import { startRabbitMq, startRabbitMqCluster } from '../lib/rabbitmq.mjs';
import { startRumqttd } from '../lib/rumqttd.mjs';
import { rateWithin } from './app.mjs';
import { rawRate, LENGTHS } from './raw.mjs';

/** @typedef {import('./app.mjs').Course} Course */

/** How long mqdrop sends at most, in milliseconds: what is slow is not waited for to the end. */
const LIMIT = 8_000;

/** What cipher, hash and disk take, by a profile: milliseconds of processor time a megabyte. */
const OWN_WORK = 9;

/** Bytes of a megabyte. */
export const MB = 1_000_000;

/**
 * A running broker: where the sender and the receiver connect, and its version, if it says so.
 * @typedef {{ from: string, to: string, version?: string, stop: () => Promise<void> }} Running
 */

/**
 * By the names that the command line takes.
 * @type {Record<string, { title: string, start: (course: Course) => Promise<Running> }>}
 */
export const BROKERS = {
  station: { title: 'station', start: async ({ station }) => ({ from: station.broker, to: station.broker, stop: async () => {} }) },
  mosquitto: { title: 'mosquitto', start: alone(() => startMosquitto()) },
  rabbitmq: { title: 'one node of RabbitMQ, without compression', start: alone(() => startRabbitMq({ compresses: false })) },
  'rabbitmq-compressing': { title: 'one node of RabbitMQ, as it is', start: alone(() => startRabbitMq()) },
  'rabbitmq-two': { title: 'two nodes of RabbitMQ', start: startTwo },
  nats: { title: 'NATS', start: alone(startNats) },
  aedes: { title: 'aedes', start: alone(startAedes) },
  rumqttd: { title: 'rumqttd', start: alone(startRumqttd) },
};

/**
 * A round at a broker: rates in bytes a second, work in milliseconds of processor time a megabyte.
 * @typedef {object} Round
 * @property {Map<number, number>} raw rates by length
 * @property {number} best the length of the best of them
 * @property {number} rawWork at that length
 * @property {number} mqdrop the rate
 * @property {number} mqdropWork
 * @property {number} cores that other programs left, while mqdrop sent
 */

/**
 * Measures at every broker, one after the other; at each, raw MQTT and mqdrop take turns.
 * @param {Course} course
 * @param {{ rounds: number, size: number, only: string }} extent `only`: the name of one broker, or none for all
 * @returns {Promise<Map<string, Round[]>>} by title
 */
export async function measureBrokers(course, { rounds, size, only }) {
  const all = new Map();
  for (const [name, { title, start }] of Object.entries(BROKERS)) {
    if (only && only !== name) continue;
    try {
      const [titled, each] = await measureBroker(course, title, await start(course), rounds, size);
      all.set(titled, each);
    } catch (error) {
      fail(title, error);
    }
  }
  return all;
}

/**
 * @param {Course} course
 * @param {string} title
 * @param {Running} broker
 * @param {number} rounds
 * @param {number} size in bytes
 * @returns {Promise<[string, Round[]]>} with its title
 */
async function measureBroker(course, title, broker, rounds, size) {
  const titled = [title, broker.version].filter(Boolean).join(' ');
  const each = [];
  try {
    for (let round = 1; round <= rounds; round += 1) each.push(await measureRound(course, broker, size, `${titled}, round ${round}`));
  } finally {
    await broker.stop();
  }
  return [titled, each];
}

/**
 * @param {Course} course
 * @param {Running} brokers
 * @param {number} size in bytes
 * @param {string} title
 * @returns {Promise<Round>}
 */
async function measureRound(course, brokers, size, title) {
  const raw = new Map();
  let [best, rawWork] = [0, 0];
  for (const length of LENGTHS) {
    const { rate, bytes, usage } = await rawRate(course, length, brokers);
    raw.set(length, rate);
    if (rate > (raw.get(best) ?? 0)) [best, rawWork] = [length, workOf(usage, bytes)];
    say(`${title}: raw MQTT, packets of ${length} bytes`, rate, bytes, usage);
  }
  const mqdrop = await mqdropAt(course, size, brokers, `${title}: mqdrop`);
  const round = { raw, best, rawWork, mqdrop: mqdrop.rate, mqdropWork: mqdrop.work, cores: mqdrop.cores };
  console.log(`${title}: mqdrop has ${(mqdrop.rate / (raw.get(best) ?? NaN)).toFixed(3)} of raw MQTT, ${shareOf(round).toFixed(3)} of its budget`);
  return round;
}

/**
 * A transfer by mqdrop; one that fails has no rate, and does not end the benchmark at others.
 * @param {Course} course
 * @param {number} size in bytes
 * @param {Running} brokers
 * @param {string} title
 */
async function mqdropAt(course, size, brokers, title) {
  try {
    const { bytes, seconds, usage } = await rateWithin(course, size, brokers, LIMIT);
    say(title, bytes / seconds, bytes, usage);
    return { rate: bytes / seconds, work: workOf(usage, bytes), cores: cpus().length - usage.others / 1000 / usage.seconds };
  } catch (error) {
    fail(title, error);
    return { rate: 0, work: NaN, cores: cpus().length };
  }
}

/**
 * Tells of a failure that does not end the benchmark at other brokers.
 * @param {string} title
 * @param {unknown} error
 */
function fail(title, error) {
  console.error(`${title}: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/**
 * mqdrop's part of what it could reach. That is the rate at which all cores are busy with what raw MQTT takes
 * and what mqdrop has to do besides, but no more than raw MQTT's own rate: a broker may be what limits it.
 * @param {Round} round
 */
export function shareOf({ raw, best, rawWork, mqdrop, cores }) {
  const busy = (cores * 1000 * MB) / (rawWork + OWN_WORK);
  return mqdrop / Math.min(busy, raw.get(best) ?? NaN);
}

/**
 * @param {import('./processes.mjs').Usage} usage
 * @param {number} bytes
 */
function workOf({ ours }, bytes) {
  return ours / (bytes / MB);
}

/**
 * @param {string} what
 * @param {number} rate
 * @param {number} bytes
 * @param {import('./processes.mjs').Usage} usage
 */
function say(what, rate, bytes, usage) {
  const cores = (/** @type {number} */ time) => (time / 1000 / usage.seconds).toFixed(2);
  console.log(
    `${what}: ${(rate / MB).toFixed(2)} MB/s (${workOf(usage, bytes).toFixed(1)} ms a MB; ${cores(usage.ours)} cores, others ${cores(usage.others)})`,
  );
}

/**
 * @param {() => Promise<{ broker: string, said?: string[], stop: () => Promise<void> }>} start
 * @returns {(course: Course) => Promise<Running>}
 */
function alone(start) {
  return async () => {
    const { broker, said, stop } = await start();
    return { from: broker, to: broker, version: versionIn(said), stop };
  };
}

/** Sender and receiver at different nodes. @returns {Promise<Running>} */
async function startTwo() {
  const { brokers, said, stop } = await startRabbitMqCluster();
  const [from, to] = brokers;
  return { from, to, version: versionIn(said), stop };
}

/**
 * The version that a broker tells as it starts.
 * @param {string[]} [said]
 */
function versionIn(said = []) {
  return /(?:version:?|RabbitMQ) v?(\d+\.\d[\d.]*)/i.exec(said.join('\n'))?.[1];
}
