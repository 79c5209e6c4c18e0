// What must hold beyond the plain rate: each condition says what was seen, beside what is wanted.

import { controlTraffic } from './conditions/control-traffic.mjs';
import { fourReceivers } from './conditions/four-receivers.mjs';
import { large } from './conditions/large.mjs';
import { longTasks } from './conditions/long-tasks.mjs';
import { opening } from './conditions/opening.mjs';
import { lossyLink, slowLink } from './conditions/slow-link.mjs';
import { slowReceiver } from './conditions/slow-receiver.mjs';
import { smallFiles } from './conditions/small-files.mjs';

/** @typedef {import('./app.mjs').Course} Course */

/**
 * How much is sent.
 * @typedef {object} Extent
 * @property {number} rounds of what is short and differs from one time to the next
 * @property {number} size of a file, in bytes
 * @property {number} large size of a large file, in bytes; 0 leaves it out
 * @property {string} only the one condition that is measured, or none for all
 */

/**
 * A line of the table.
 * @typedef {{ condition: string, seen: string, target: string }} Row
 */

/**
 * What was found: lines of the table, and what else there is to tell.
 * @typedef {{ rows: Row[], more?: string[] }} Findings
 */

/** @typedef {(course: Course, extent: Extent) => Promise<Findings>} Measure */

/** @type {Record<string, Measure>} */
export const CONDITIONS = {
  'four receivers': fourReceivers,
  'a slow receiver': slowReceiver,
  'a slow link': slowLink,
  'a slow link with losses': lossyLink,
  'a large file': large,
  // Before the small files: what windows with such long lists leave behind, others of their process clear away.
  'long tasks': longTasks,
  'small files': smallFiles,
  'control traffic': controlTraffic,
  'opening a link': opening,
};

/**
 * Measures under every condition, one after the other.
 * @param {Course} course
 * @param {Extent} extent
 * @returns {Promise<Required<Findings>>}
 */
export async function measureConditions(course, extent) {
  /** @type {Required<Findings>} */
  const all = { rows: [], more: [] };
  for (const [name, measure] of Object.entries(CONDITIONS)) {
    if (extent.only && extent.only !== name) continue;
    const began = performance.now();
    const { rows, more = [] } = await named(`under the condition of ${name}`, measure(course, extent));
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    for (const { condition, seen, target } of rows) console.log(`${condition}: ${seen} (target: ${target}; took ${seconds} s)`);
    all.rows.push(...rows);
    all.more.push(...more);
  }
  return all;
}

/**
 * Says what it was that failed.
 * @template T
 * @param {string} name
 * @param {Promise<T>} measuring
 */
export async function named(name, measuring) {
  try {
    return await measuring;
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
