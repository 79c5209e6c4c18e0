// A link of 20 Mbit/s with a round trip of 200 ms before the sender, through a broker that loses nothing,
// and through one that loses data frames. The link decides, so once is enough.

import { Faults } from '../../lib/faults.mjs';
import { startAedes } from '../../lib/aedes.mjs';
import { rateOf } from '../app.mjs';
import { through } from './through.mjs';

/** Bytes a second, and milliseconds in each direction. */
const LINK = { limit: 2_500_000, latency: 100 };
/** What the link carries in 20 s. */
const SIZE = 50_000_000;

/** Of all data frames. */
const LOST = 0.01;
const SEED = 20;

/** @type {import('../conditions.mjs').Measure} */
export async function slowLink(course) {
  const share = await shareOfLink(course, course.station.broker);
  return { rows: [{ condition: '20 Mbit/s, round trip 200 ms: of the link', seen: share.toFixed(2), target: '≥ 0.9' }] };
}

/** @type {import('../conditions.mjs').Measure} */
export async function lossyLink(course) {
  // A frame that would break a connection is one that is lost.
  const faults = new Faults('reset', LOST, SEED);
  const dice = faults.stream(1);
  let frames = 0;
  const broker = await startAedes({
    loses: ({ topic, qos, payload }) => {
      if (qos > 0 || !topic.includes('/d/')) return false;
      frames += 1;
      return dice(Buffer.from(payload)).reset;
    },
  });
  try {
    const share = await shareOfLink(course, broker.broker);
    const seen = `${share.toFixed(2)} (${faults.happened} of ${frames} frames lost)`;
    return { rows: [{ condition: `the same, 1 % of data frames lost by aedes (seed ${SEED}): of the link`, seen, target: '≥ 0.8' }] };
  } finally {
    await broker.stop();
  }
}

/**
 * @param {import('../app.mjs').Course} course
 * @param {string} broker
 */
function shareOfLink(course, broker) {
  return through(broker, LINK, async (proxy) => (await rateOf(course, SIZE, { from: proxy.broker, to: [broker] })) / LINK.limit);
}
