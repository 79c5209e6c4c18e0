// A large file: neither rate nor memory is to depend on its size, wherever it is stored.

import { INSECURE_HOST } from '../../lib/browser.mjs';
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
  const { seconds, heap, ...memory } = await measureMemory(course, size);
  // Pages that are not from a secure origin have no file system, and keep what they receive in Blobs.
  const inBlobs = await measureMemory(course, size, `http://${INSECURE_HOST}:${course.station.port}`);
  const seen = (size / seconds / median(rates)).toFixed(2);
  return {
    rows: [
      { condition: `${size / MIB} MiB: the rate, of that at ${SMALL / MIB} MiB`, seen, target: '≥ 0.9' },
      { condition: `${size / MIB} MiB into the file system: the larger page's heaps, idle and at their peak`, seen: inMib(heap), target: '≤ 96 MiB' },
      { condition: `${size / MIB} MiB into Blobs: the same`, seen: inMib(inBlobs.heap), target: '≤ 160 MiB' },
    ],
    more: memoryTable(size, memory),
  };
}

/** @param {{ idle: number, peak: number }} heap */
function inMib({ idle, peak }) {
  return `${(idle / MIB).toFixed(0)} and ${(peak / MIB).toFixed(0)} MiB`;
}
