// How much memory a transfer takes: the heaps of either page and its workers, and the anonymous
// resident memory of Chromium's processes, which hold much besides.

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MIB } from '../lib/files.mjs';
import { offer } from './app.mjs';
import { familyOf, ofEveryProcess } from './processes.mjs';

/** Between two looks, in milliseconds. */
const INTERVAL = 100;

/**
 * In MiB: of the process that holds page and worker, and of the whole browser.
 * @typedef {{ page: number, browser: number }} Memory
 */

/** @typedef {{ sender: Memory, receiver: Memory }} Both */

/**
 * Sends a large file and watches both browsers.
 * @param {import('./app.mjs').Course} course
 * @param {number} bytes
 * @param {string} [origin] where the windows are opened, if not where the station says
 * @returns {Promise<{ seconds: number, idle: Both, peak: Both, heap: { idle: number, peak: number } }>} heaps in bytes: the larger page's
 */
export async function measureMemory(course, bytes, origin) {
  const transfer = await offer(course, 'large.bin', bytes, { origin });
  const heaps = await Promise.all([transfer.from, transfer.to].map((page) => page.watchHeaps()));
  const idle = await memoryNow(course);
  const peak = structuredClone(idle);
  const javaScript = heaps.map(() => 0);
  const heap = { idle: await largest(heaps, javaScript), peak: 0 };
  let going = true;
  const watching = (async () => {
    while (going) {
      const now = await memoryNow(course);
      for (const [side, each] of heaps.entries()) javaScript[side] = Math.max(javaScript[side] ?? 0, await each.javaScript());
      for (const side of /** @type {const} */ (['sender', 'receiver'])) {
        const { page, browser } = now[side];
        peak[side] = { page: Math.max(peak[side].page, page), browser: Math.max(peak[side].browser, browser) };
      }
      await delay(INTERVAL);
    }
  })();
  let seconds;
  try {
    seconds = await transfer.run();
  } finally {
    going = false;
    await watching;
  }
  heap.peak = await largest(heaps, javaScript);
  heaps.forEach((each) => each.stop());
  await transfer.end();
  return { seconds, idle, peak, heap };
}

/**
 * The larger page's heaps.
 * @param {import('../lib/heaps.mjs').Heaps[]} heaps
 * @param {number[]} javaScript what JavaScript's part came to before, for each
 */
async function largest(heaps, javaScript) {
  const sums = heaps.map(async (each, side) => (await each.wasm()) + Math.max(javaScript[side] ?? 0, await each.javaScript()));
  return Math.max(...(await Promise.all(sums)));
}

/**
 * What both browsers take now.
 * @param {import('./app.mjs').Course} course
 * @returns {Promise<Both>}
 */
async function memoryNow({ sender, receiver }) {
  // Looked at once for both: the rate is taken at the same time.
  const processes = await allProcesses();
  return { sender: memoryOf(sender, processes), receiver: memoryOf(receiver, processes) };
}

/**
 * @param {import('./lean-browser.mjs').LeanBrowser} browser
 * @param {Awaited<ReturnType<typeof allProcesses>>} processes
 * @returns {Memory}
 */
function memoryOf(browser, processes) {
  const members = familyOf(processes, browser.pid);
  const renderers = members.filter(({ command }) => command.includes('--type=renderer'));
  return {
    page: Math.max(...renderers.map(({ anonymous }) => anonymous)) / MIB,
    browser: members.reduce((sum, { anonymous }) => sum + anonymous, 0) / MIB,
  };
}

/** Every process that can be read. */
function allProcesses() {
  return ofEveryProcess(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    const field = (/** @type {string} */ key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    return { pid, parent: field('PPid'), anonymous: field('RssAnon') * 1024, command };
  });
}
