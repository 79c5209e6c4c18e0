// A line between a browser and its broker.

import { proxyTo } from '../../lib/proxy.mjs';

/**
 * Does something through a proxy, and closes that afterwards.
 * @template T
 * @param {string} broker its WebSocket address
 * @param {{ limit?: number, latency?: number }} line bytes a second, and milliseconds, in each direction
 * @param {(proxy: import('../../lib/proxy.mjs').Proxy) => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function through(broker, line, act) {
  const proxy = Object.assign(await proxyTo(broker), line);
  try {
    return await act(proxy);
  } finally {
    await proxy.close();
  }
}
