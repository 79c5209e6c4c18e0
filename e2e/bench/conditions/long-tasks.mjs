// How long either page leaves a person waiting while a file is sent.

import { MIB } from '../../lib/files.mjs';
import { offer } from '../app.mjs';
import { median } from '../report.mjs';

/** Browsers tell of tasks of so many milliseconds and more. */
const LONG = 50;

/** @type {import('../conditions.mjs').Measure} */
export async function longTasks(course, { rounds, size }) {
  const longest = [];
  for (let round = 0; round < rounds; round += 1) longest.push(await longestIn(course, size));
  const condition = `longest task of either page while ${size / MIB} MiB are sent, median and most`;
  return { rows: [{ condition, seen: `${words(median(longest))}, ${words(Math.max(...longest))}`, target: '≤ 50 ms' }] };
}

/** @param {number} longest in milliseconds; {@link LONG} if there was none to tell of */
function words(longest) {
  return longest > LONG ? `${longest.toFixed(0)} ms` : `below ${LONG} ms`;
}

/**
 * @param {import('../app.mjs').Course} course
 * @param {number} size
 * @returns {Promise<number>} in milliseconds
 */
async function longestIn(course, size) {
  const transfer = await offer(course, `bench-${size}.bin`, size);
  const pages = [transfer.from, transfer.to];
  await Promise.all(pages.map((page) => page.evaluate(watch)));
  await transfer.run();
  const longest = await Promise.all(pages.map((page) => page.evaluate(longestTask)));
  await transfer.end();
  return Math.max(LONG, ...longest);
}

/** In the page: notes tasks from now on. */
function watch() {
  /** @type {number[]} */
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  Object.assign(window, { tasks });
}

/** In the page: the longest of them in milliseconds, 0 if there was none. */
async function longestTask() {
  // They are told of a little later.
  await new Promise((resolve) => setTimeout(resolve, 500));
  return Math.max(0, .../** @type {any} */ (window).tasks);
}
