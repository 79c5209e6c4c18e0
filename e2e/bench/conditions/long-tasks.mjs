// How long either page leaves a person waiting while a file is sent.

import { MIB } from '../../lib/files.mjs';
import { offer } from '../app.mjs';

/** @type {import('../conditions.mjs').Measure} */
export async function longTasks(course, { size }) {
  const transfer = await offer(course, `bench-${size}.bin`, size);
  const pages = [transfer.from, transfer.to];
  await Promise.all(pages.map((page) => page.evaluate(watch)));
  await transfer.run();
  const longest = Math.max(...(await Promise.all(pages.map((page) => page.evaluate(longestTask)))));
  await transfer.end();
  const seen = longest > 0 ? `${longest.toFixed(0)} ms` : 'none above 50 ms';
  return { rows: [{ condition: `longest task of either page while ${size / MIB} MiB are sent`, seen, target: '≤ 50 ms' }] };
}

/** In the page: notes tasks from now on; browsers tell of those of 50 ms and more. */
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
