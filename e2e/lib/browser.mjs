// Chromium, and everything it complains about.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { inTime } from './in-time.mjs';

/** The browser's program. */
export const executablePath =
  process.env.MQDROP_CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** A name for this computer that browsers do not trust as they trust localhost. */
export const INSECURE_HOST = 'mqdrop.test';

/** How it is started. */
export const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

/** What it logs, unavoidably, when a WebSocket does not open or breaks. */
export const SOCKET_FAILED = /WebSocket connection to 'ws:\/\/127\.0\.0\.1:\d+\/\w*' failed/;

/** How long a browser may take to end when it is asked to, in milliseconds. */
const ENDING = 15_000;

/** The browsers' own processes. @type {WeakMap<import('playwright-core').Browser, number>} */
const pids = new WeakMap();

/** Starts a browser. @returns {Promise<import('playwright-core').Browser>} */
export async function launchBrowser() {
  const browser = await chromium.launch({ executablePath, args });
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const own = processInfo.find(({ type }) => type === 'browser');
  if (own) pids.set(browser, own.id);
  return browser;
}

/**
 * Ends a browser: one that does not when it is asked is killed, and that is printed.
 * @param {import('playwright-core').Browser} browser
 */
export async function endBrowser(browser) {
  const closed = browser.close();
  try {
    await inTime(closed, ENDING, 'ending the browser');
  } catch (error) {
    console.error(String(error));
    const pid = pids.get(browser);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await closed;
  }
}

/**
 * Collects every error, warning and policy violation of a page and its workers from now on.
 * @param {import('playwright-core').Page} page
 */
export async function collectNoise(page) {
  const noise = new Noise();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      noise.add(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => noise.add(`exception: ${error.stack ?? error}`));
  page.on('crash', () => noise.add('the page crashed'));
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // A request that a closing page gives up on is no failure.
    if (why !== 'net::ERR_ABORTED') noise.add(`request failed: ${request.url()} ${why}`);
  });
  // What the browser itself says about a worker, violations and broken sockets among it, is not
  // among the page's console messages.
  const session = await page.context().newCDPSession(page);
  session.on('Log.entryAdded', ({ entry: { source, level, text, url } }) => {
    if (source === 'worker' && (level === 'error' || level === 'warning')) {
      noise.add(`worker ${level}: ${text} (${url ?? 'no address'})`);
    }
  });
  await session.send('Log.enable');
  return noise;
}

/** What went wrong in a window, line by line. */
export class Noise {
  /** @type {string[]} */
  lines = [];
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {string} line */
  add(line) {
    this.lines.push(line);
    this.#listeners.forEach((listener) => listener());
  }

  /**
   * Waits for a line that matches.
   * @param {RegExp} pattern
   * @param {number} [timeout] in milliseconds
   * @returns {Promise<void>}
   */
  async waitFor(pattern, timeout = 10_000) {
    const heard = () => this.lines.some((line) => pattern.test(line));
    if (heard()) return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(reject, new Error(`nothing matched ${pattern}`)), timeout);
      const listener = () => heard() && end(resolve);
      /** @param {(value?: any) => void} settle @param {Error} [error] */
      const end = (settle, error) => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        settle(error);
      };
      this.#listeners.add(listener);
    });
  }
}
