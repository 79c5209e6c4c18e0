// A web server before a station, as sites have one: under a path of its own that the station does not know.

import { once } from 'node:events';
import { createServer, request } from 'node:http';

/**
 * Carries what comes under a path to a station, without that path: pages and WebSockets.
 * @param {import('./station.mjs').Station} station
 * @param {string} path such as `/drop`
 * @returns {Promise<{ origin: string, upgrades: string[], stop: () => Promise<void> }>} its address
 *   without a slash at the end, and the paths at the station that WebSockets were asked for
 */
export async function startPathProxy(station, path) {
  /** @type {string[]} */
  const upgrades = [];
  /** @param {import('node:http').IncomingMessage} asked */
  const pass = ({ method, url = '/', headers }) =>
    request({ host: '127.0.0.1', port: station.port, method, headers, path: url.slice(path.length) });
  const server = createServer((asked, answer) => {
    if (!asked.url?.startsWith(`${path}/`)) return void answer.writeHead(404).end();
    const passed = pass(asked);
    passed.on('error', () => answer.destroy());
    passed.on('response', (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    asked.pipe(passed);
  });
  server.on('upgrade', (asked, browser) => {
    browser.on('error', () => {});
    if (!asked.url?.startsWith(`${path}/`)) return void browser.destroy();
    upgrades.push(asked.url.slice(path.length));
    const passed = pass(asked);
    passed.on('error', () => browser.destroy());
    passed.on('response', () => browser.destroy());
    passed.on('upgrade', (found, broker, head) => {
      const { rawHeaders } = found;
      const lines = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]));
      browser.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'));
      browser.write(head);
      broker.on('error', () => browser.destroy());
      broker.on('close', () => browser.destroy());
      browser.on('close', () => broker.destroy());
      broker.pipe(browser).pipe(broker);
    });
    passed.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}${path}`,
    upgrades,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
