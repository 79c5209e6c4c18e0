// Four receivers, one of which has a tenth of the others' rate: it is not to slow them down.

import { MIB } from '../../lib/files.mjs';
import { median } from '../report.mjs';
import { ratesOf } from './four-receivers.mjs';
import { through } from './through.mjs';

/** Small enough for the slow one to be done within half a minute. */
const SIZE = 64 * MIB;

/** @type {import('../conditions.mjs').Measure} */
export async function slowReceiver(course, { rounds }) {
  const losses = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = Math.min(...(await ratesOf(course, SIZE)));
    const limit = before / 10;
    const [, ...others] = await through(course.station.broker, { limit }, (proxy) =>
      ratesOf(course, SIZE, { to: [proxy.broker] }, limit / 2),
    );
    losses.push(1 - Math.min(...others) / before);
  }
  const seen = `${(median(losses) * 100).toFixed(0)} %`;
  return { rows: [{ condition: 'four receivers, one ten times slower: what the others lose', seen, target: '≤ 10 %' }] };
}
