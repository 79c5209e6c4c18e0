// What a browser fetches before it is in a room, and what that is compressed.

import { brotliCompressSync, constants } from 'node:zlib';
import { Room } from './room.mjs';

/**
 * Joins with an empty cache and adds up what was fetched.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./station.mjs').Station} station
 * @returns {Promise<{ files: { name: string, brotli: number }[], brotli: number }>} in bytes
 */
export async function measureFirstLoad(browser, station) {
  const context = await browser.newContext();
  const room = new Room(await context.newPage());
  /** @type {Set<string>} */
  const addresses = new Set();
  context.on('request', (request) => addresses.add(request.url()));
  await room.visit(station.origin, { key: 'first-load-of-the-app', name: 'Ada', auto: true });
  await room.waitForStatus('online');
  await context.close();

  // All are fetched before any is compressed: that takes longer than an idle connection lasts.
  const bodies = [];
  for (const address of addresses) {
    const { origin, pathname } = new URL(address);
    if (origin !== station.origin) continue;
    bodies.push({ name: pathname, body: Buffer.from(await (await fetch(address)).arrayBuffer()) });
  }
  const files = bodies.map(({ name, body }) => {
    const compressed = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    return { name, brotli: Math.min(compressed.length, body.length) };
  });
  return { files, brotli: files.reduce((sum, { brotli }) => sum + brotli, 0) };
}
