// A large file: neither rate nor memory is to depend on its size.

import { MIB } from '../../lib/files.mjs';
import { rateOf } from '../app.mjs';
import { measureMemory } from '../memory.mjs';
import { median, memoryTable } from '../report.mjs';

const SMALL = 64 * MIB;

/** @type {import('../conditions.mjs').Measure} */
export async function large(course, { rounds, large: size }) {
  if (size === 0) return { rows: [] };
  const rates = [];
  for (let round = 0; round < rounds; round += 1) rates.push(await rateOf(course, SMALL));
  const { seconds, ...memory } = await measureMemory(course, size);
  const seen = (size / seconds / median(rates)).toFixed(2);
  return {
    rows: [{ condition: `${size / MIB} MiB: the rate, of that at ${SMALL / MIB} MiB`, seen, target: '≥ 0.9' }],
    more: memoryTable(size, memory),
  };
}
