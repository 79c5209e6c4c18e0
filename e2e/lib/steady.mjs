// Waiting until something has come to rest.

import { setTimeout as sleep } from 'node:timers/promises';

/** So long nothing must have changed, in milliseconds. */
const REST = 500;

/**
 * Waits until a count stays as it is; returns it.
 * @param {() => number | Promise<number>} read
 */
export async function steady(read) {
  let count = await read();
  for (let before = NaN; before !== count; count = await read()) {
    before = count;
    await sleep(REST);
  }
  return count;
}
