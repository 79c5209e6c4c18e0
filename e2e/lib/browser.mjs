// Chromium, and everything it complains about.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath =
  process.env.MQDROP_CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** A name for this computer that browsers do not trust as they trust localhost. */
export const INSECURE_HOST = 'mqdrop.test';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

/** Starts a browser. @returns {Promise<import('playwright-core').Browser>} */
export function launchBrowser() {
  return chromium.launch({ executablePath, args });
}

/**
 * Starts a browser with a profile on disk, as people have one: storage is not kept in memory.
 * @param {string} folder
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export function launchProfile(folder, options = {}) {
  return chromium.launchPersistentContext(folder, { executablePath, args, ...options });
}

/**
 * Collects every error, warning and policy violation of a page and its workers from now on.
 * @param {import('playwright-core').Page} page
 * @returns {string[]} grows as things go wrong
 */
export function collectNoise(page) {
  /** @type {string[]} */
  const noise = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      noise.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => noise.push(`exception: ${error.stack ?? error}`));
  page.on('crash', () => noise.push('the page crashed'));
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // A request that a closing page gives up on is no failure.
    if (why !== 'net::ERR_ABORTED') noise.push(`request failed: ${request.url()} ${why}`);
  });
  return noise;
}
