// How much memory a transfer takes: the anonymous resident memory of Chromium's processes.

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MIB } from '../lib/files.mjs';
import { offer } from './contenders.mjs';

/** Between two looks, in milliseconds. */
const INTERVAL = 100;

/**
 * Peaks in MiB: of the process that holds page and worker, and of the whole browser.
 * @typedef {{ page: number, browser: number }} Peak
 */

/**
 * Sends a large file and watches both browsers.
 * @param {import('./contenders.mjs').Course} course
 * @param {number} bytes
 * @returns {Promise<{ idle: { sender: Peak, receiver: Peak }, peak: { sender: Peak, receiver: Peak } }>}
 */
export async function measureMemory(course, bytes) {
  const transfer = await offer(course, 'memory.bin', bytes);
  const idle = { sender: await memoryOf(course.sender), receiver: await memoryOf(course.receiver) };
  const peak = structuredClone(idle);
  let going = true;
  const watching = (async () => {
    while (going) {
      for (const side of /** @type {const} */ (['sender', 'receiver'])) {
        const { page, browser } = await memoryOf(course[side]);
        peak[side] = { page: Math.max(peak[side].page, page), browser: Math.max(peak[side].browser, browser) };
      }
      await delay(INTERVAL);
    }
  })();
  try {
    await transfer.run();
  } finally {
    going = false;
    await watching;
  }
  await transfer.end();
  return { idle, peak };
}

/**
 * What a browser takes now.
 * @param {import('./lean-browser.mjs').LeanBrowser} browser
 * @returns {Promise<Peak>}
 */
async function memoryOf(browser) {
  const processes = await allProcesses();
  const family = new Set([browser.pid]);
  // Children are listed after their parents often, but not always.
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  const members = processes.filter(({ pid }) => family.has(pid));
  const renderers = members.filter(({ command }) => command.includes('--type=renderer'));
  return {
    page: Math.max(...renderers.map(({ anonymous }) => anonymous)) / MIB,
    browser: members.reduce((sum, { anonymous }) => sum + anonymous, 0) / MIB,
  };
}

/** Every process that can be read. */
async function allProcesses() {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        const status = await readFile(`/proc/${name}/status`, 'utf8');
        const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ');
        const field = (/** @type {string} */ key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
        return { pid: Number(name), parent: field('PPid'), anonymous: field('RssAnon') * 1024, command };
      } catch {
        // It ended meanwhile.
        return undefined;
      }
    }),
  );
  return found.filter((each) => each !== undefined);
}
