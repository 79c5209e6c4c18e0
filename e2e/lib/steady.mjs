// Waiting until something has come to rest.

import { setTimeout as sleep } from 'node:timers/promises';

/** So long nothing must have changed, in milliseconds. */
const REST = 500;

/**
 * Waits until a count stays as it is; returns it.
 * @param {() => number} read
 */
export async function steady(read) {
  for (let before = NaN; before !== read(); ) {
    before = read();
    await sleep(REST);
  }
  return read();
}
