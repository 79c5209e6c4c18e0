// Pages that are written by hand for the benchmark, and what they send to each other.

import { setTimeout as delay } from 'node:timers/promises';
import { inTime } from '../lib/in-time.mjs';

/** @typedef {import('./app.mjs').Course} Course */
/** @typedef {import('./lean-browser.mjs').LeanPage} LeanPage */
/** @typedef {import('./pages/raw.mjs').Mark} Mark */

/**
 * What is sent: a module with `send` and `receive`, what those are told, and the brokers of both sides, the
 * station where none is named.
 * @typedef {object} Sending
 * @property {string} module
 * @property {number} total in bytes
 * @property {number} seconds ends after these, if it is not done before
 * @property {number} [receivers] one, if nothing else is said
 * @property {number} [length] of a packet, in bytes
 * @property {number} [window] in bytes
 * @property {{ from?: string, to?: string }} [brokers]
 */

/**
 * What came to a receiver: marks from the first bytes to the last, and when sending began, in milliseconds
 * since 1970.
 * @typedef {{ began: number, marks: Mark[] }} Arrival
 */

/** How long pages may take to get ready, and to tell what came, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Opens blank pages, one that sends and others that receive, and closes them afterwards.
 * @template T
 * @param {Course} course
 * @param {number} receivers
 * @param {(from: LeanPage, to: LeanPage[]) => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function withPages({ sender, receiver, pages }, receivers, act) {
  const blank = `${pages}/bench/pages/blank.html`;
  const from = await sender.open(blank);
  const to = await Promise.all(Array.from({ length: receivers }, () => receiver.open(blank)));
  try {
    return await act(from, to);
  } finally {
    await Promise.all([from, ...to].map((page) => page.close()));
  }
}

/**
 * Sends through a broker, from one page to others.
 * @param {Course} course
 * @param {Sending} sending
 * @returns {Promise<Arrival[]>}
 */
export function sendFromPage(course, sending) {
  return withPages(course, sending.receivers ?? 1, (from, to) => sendBetween(course, from, to, sending));
}

/**
 * The same between pages that are open.
 * @param {Course} course
 * @param {LeanPage} from
 * @param {LeanPage[]} to
 * @param {Sending} sending
 * @returns {Promise<Arrival[]>}
 */
export async function sendBetween({ station }, from, to, { module, brokers = {}, ...rest }) {
  const options = { ...rest, module: `./${module}`, topic: `bench/${Date.now()}`, receivers: to.length };
  const ready = to.map((page, place) =>
    page.evaluate(
      // Kept in the page: a promise inside an object does not cross over.
      async (each) => {
        Object.assign(window, await (await import(each.module)).receive(each));
      },
      { ...options, place, broker: brokers.to ?? station.broker },
    ),
  );
  await inTime(Promise.all(ready), PATIENCE, `subscribing with ${module}`);
  const sent = from.evaluate(async (each) => (await import(each.module)).send(each), { ...options, broker: brokers.from ?? station.broker });
  return ended(to, sent, rest.seconds, `sending with ${module}`);
}

/**
 * Sends through a WebRTC data channel between two pages; this program tells each the other's address.
 * @param {Course} course
 * @param {number} total in bytes
 * @param {number} seconds ends after these, if it is not done before
 * @returns {Promise<Arrival>}
 */
export function sendPeerToPeer(course, total, seconds) {
  const options = { module: './webrtc.mjs', total, seconds };
  // Kept in the page: functions do not cross over.
  const keep = async (/** @type {any} */ each) => {
    const { description, ...rest } = await (await import(each.module))[each.side](each);
    Object.assign(window, rest);
    return description;
  };
  return withPages(course, 1, async (from, to) => {
    const offered = await inTime(from.evaluate(keep, { ...options, side: 'send' }), PATIENCE, 'offering a data channel');
    const [answer] = await inTime(
      Promise.all(to.map((page) => page.evaluate(keep, { ...options, side: 'receive', description: offered }))),
      PATIENCE,
      'answering it',
    );
    const sent = from.evaluate((each) => /** @type {any} */ (window).answered(each), answer);
    const [arrival] = await ended(to, sent, seconds, 'sending through a data channel');
    return arrival ?? { began: 0, marks: [] };
  });
}

/**
 * Bytes a second, from the beginning to the last byte or to the end of the time.
 * @param {Arrival} arrival
 */
export function rateFrom({ began, marks }) {
  const last = marks.at(-1);
  return last ? (last.bytes / (last.at - began)) * 1000 : 0;
}

/**
 * Waits until all has come, or the time is over.
 * @param {LeanPage[]} to
 * @param {Promise<number>} sent
 * @param {number} seconds
 * @param {string} what for the error
 * @returns {Promise<Arrival[]>}
 */
async function ended(to, sent, seconds, what) {
  const all = Promise.all(to.map((page) => page.evaluate(() => /** @type {Promise<Mark[]>} */ (/** @type {any} */ (window).done))));
  // If sending fails nobody waits for it.
  all.catch(() => {});
  const finish = () => Promise.all(to.map((page) => page.evaluate(() => /** @type {any} */ (window).finish())));
  const began = await inTime(sent, seconds * 1000 + PATIENCE, what);
  const left = Math.max(0, began + seconds * 1000 - Date.now());
  const late = await Promise.race([all.then(() => false), delay(left, true)]);
  if (late) await inTime(finish(), PATIENCE, what);
  return (await inTime(all, PATIENCE, what)).map((marks) => ({ began, marks }));
}
