// How time passes for a page: how often a short timer of it rings.

import { PATIENCE } from './room.mjs';

/**
 * Has a page set a timer of 50 ms anew whenever it rings.
 * @param {import('playwright-core').Page} page
 */
export async function ticksOf(page) {
  await page.evaluate(() => {
    const counted = Object.assign(window, { ticks: 0 });
    const set = () =>
      setTimeout(() => {
        counted.ticks += 1;
        set();
      }, 50);
    set();
  });
  return {
    /** How often it rang. @returns {Promise<number>} */
    count: () => page.evaluate(() => Object(window).ticks),
    /**
     * Waits until it rang so often from now on.
     * @param {number} times
     */
    wait: async (times) => {
      const before = await page.evaluate(() => Object(window).ticks);
      await page.waitForFunction((count) => Object(window).ticks >= count, before + times, { timeout: PATIENCE });
    },
  };
}
