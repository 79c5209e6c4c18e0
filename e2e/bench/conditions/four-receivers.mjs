// Four receivers at the same time: one upload serves all of them.

import { MIB } from '../../lib/files.mjs';
import { offer } from '../app.mjs';
import { rawSending } from '../contenders.mjs';
import { rateFrom, sendFromPage } from '../pages.mjs';
import { median } from '../report.mjs';
import { through } from './through.mjs';

/** How many receive. */
export const RECEIVERS = 4;

const SIZE = 128 * MIB;

/** @type {import('../conditions.mjs').Measure} */
export async function fourReceivers(course, { rounds }) {
  const shares = [];
  const raw = await rawSending(course);
  for (let round = 0; round < rounds; round += 1) {
    const arrivals = await sendFromPage(course, { ...raw, total: SIZE, receivers: RECEIVERS });
    const ceiling = median(arrivals.map(rateFrom));
    shares.push(Math.min(...(await ratesOf(course, SIZE))) / ceiling);
  }
  const uploaded = await upload(course);
  return {
    rows: [
      { condition: 'four receivers: the rate of each, of that of four raw subscribers', seen: median(shares).toFixed(2), target: '≥ 0.85' },
      { condition: 'four receivers: what the sender uploads, of the file', seen: uploaded.toFixed(3), target: '≤ 1.05' },
    ],
  };
}

/**
 * Sends one file to as many.
 * @param {import('../app.mjs').Course} course
 * @param {number} size in bytes
 * @param {import('../app.mjs').Brokers} [brokers] of the receivers the first ones
 * @param {number} [slowest] what has failed if it is slower: bytes a second
 * @returns {Promise<number[]>} bytes a second, for each receiver
 */
export async function ratesOf(course, size, { from, to = [] } = {}, slowest) {
  const receivers = Array.from({ length: RECEIVERS }, (_, place) => to[place]);
  const transfer = await offer(course, `several-${size}.bin`, size, { from, to: receivers });
  const seconds = await transfer.runEach({ slowest });
  await transfer.end();
  return seconds.map((each) => size / each);
}

/**
 * Counts what the sender sends, in a transfer of its own: counting takes a part of the machine.
 * @param {import('../app.mjs').Course} course
 */
function upload(course) {
  return through(course.station.broker, {}, async (proxy) => {
    await ratesOf(course, SIZE, { from: proxy.broker });
    return proxy.up / SIZE;
  });
}
