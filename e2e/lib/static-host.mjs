// Any static host: files under a sub-path, no headers beyond the content's type.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname, join, normalize } from 'node:path';

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.json': 'application/json',
  '.txt': 'text/plain',
};

/**
 * Serves a folder.
 * @param {string} folder
 * @param {string} [path] where it lies at the host, such as `/tools/drop`
 * @returns {Promise<{ origin: string, stop: () => Promise<void> }>} its address without a slash at the end
 */
export async function startStaticHost(folder, path = '') {
  const server = createServer(async (request, response) => {
    const asked = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
    const inside = asked.startsWith(`${path}/`) ? normalize(asked.slice(path.length)) : undefined;
    const file = inside && join(folder, inside.endsWith('/') ? `${inside}index.html` : inside);
    try {
      if (!file) throw new Error('outside');
      const body = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}${path}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
