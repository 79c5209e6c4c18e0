// One test: devices in browser windows of their own, a folder, brokers; all gone afterwards.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { collectNoise, endBrowser, INSECURE_HOST, launchBrowser } from './browser.mjs';
import { makeFile, tempFolder } from './files.mjs';
import { inTime } from './in-time.mjs';
import { PATIENCE, Room } from './room.mjs';
import { startStation } from './station.mjs';

/** Where pictures and reports are left. */
export const RESULTS = new URL('../results/', import.meta.url).pathname;

/** What a key is when a test does not care. */
export const KEY = 'north-lantern-harbour-quiet';

/** How long what surrounds tests may take: starting, telling what went wrong, and ending; in milliseconds. */
const ENDING = 60_000;

/** How long one window may take to be told of or closed, in milliseconds. */
const WINDOW = 20_000;

/** @type {import('playwright-core').Browser} */
let browser;
/** The station that serves the app in this file's tests. @type {import('./station.mjs').Station} */
let station;

before(
  async () => {
    // Observers see all topics, and pages come from a host that is not secure.
    const options = ['--topics', '--origin', INSECURE_HOST];
    [browser, station] = await Promise.all([launchBrowser(), startStation(options)]);
  },
  { timeout: ENDING },
);
after(
  async () => {
    await Promise.all([browser && endBrowser(browser), station?.stop()]);
  },
  { timeout: ENDING },
);

/**
 * A window with its own storage, and what went wrong in it.
 * @typedef {{ room: Room, page: import('playwright-core').Page, noise: import('./browser.mjs').Noise }} Device
 */

/**
 * How a window is opened: where the app is served, in which engine if not in Chromium, and Chromium's options.
 * @typedef {object} How
 * @property {string} [origin]
 * @property {import('playwright-core').BrowserContextOptions} [options]
 * @property {import('./engines/page.mjs').Engine | import('./tabs.mjs').Tabs} [engine]
 */

/**
 * Declares a test.
 * @param {string} name the behaviour
 * @param {(stage: Stage) => Promise<void>} body
 * @param {{ timeout?: number }} [options] in milliseconds
 */
export function scenario(name, body, { timeout = 120_000 } = {}) {
  // A test that took too long still tells what its windows show, and leaves nothing behind.
  test(name, { timeout: timeout + ENDING }, async () => {
    const stage = new Stage(name);
    /** @type {Error | undefined} */
    let failure;
    try {
      await inTime(body(stage), timeout, 'the test');
      stage.assertQuiet();
    } catch (error) {
      failure = await stage.explained(error);
    }
    try {
      await stage.close();
    } catch (error) {
      // What went wrong first tells more.
      failure ??= error instanceof Error ? error : new Error(String(error));
    }
    if (failure) throw failure;
  });
}

export class Stage {
  /** @type {Map<string, Device>} */
  #devices = new Map();
  /** @type {(() => Promise<unknown>)[]} */
  #endings = [];
  /** @type {RegExp[]} */
  #expected = [];
  /** @type {string | undefined} */
  #folder;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  get browser() {
    return browser;
  }

  /** The station of this file. */
  get station() {
    return station;
  }

  /**
   * Starts something that this test alone needs and that is to be stopped after it.
   * @template {{ stop: () => Promise<unknown> }} T
   * @param {Promise<T>} starting
   * @returns {Promise<T>}
   */
  async use(starting) {
    const started = await starting;
    this.#endings.push(() => started.stop());
    return started;
  }

  /**
   * Makes a file to send.
   * @param {string} name
   * @param {number} size in bytes
   */
  async file(name, size) {
    return makeFile(await this.folder(), name, size);
  }

  /** A folder on disk for this test's files. */
  async folder() {
    if (this.#folder === undefined) {
      const { path, remove } = await tempFolder();
      this.#folder = path;
      this.#endings.push(remove);
    }
    return this.#folder;
  }

  /**
   * Opens the app in a new window with storage of its own.
   * @param {string} name what the test calls the window
   * @param {import('./room.mjs').LinkParts} [parts] of the link
   * @param {How} [how]
   * @returns {Promise<Room>}
   */
  async open(name, parts = {}, { origin = station.origin, options, engine } = {}) {
    const { page, noise } = await (engine ? openIn(engine) : openInChromium(options));
    const room = new Room(page);
    this.#devices.set(name, { room, page, noise });
    await room.visit(origin, parts);
    await room.byId('status').waitFor({ state: 'attached', timeout: PATIENCE });
    return room;
  }

  /**
   * Opens a window, joins the room and is online.
   * @param {string} name also the device's name in the room
   * @param {import('./room.mjs').LinkParts & import('./room.mjs').JoinFields} [parts]
   * @param {How} [how]
   * @returns {Promise<Room>}
   */
  async join(name, parts = {}, how = {}) {
    const room = await this.open(name, {}, how);
    await room.join({ key: KEY, name, ...parts });
    await room.waitForStatus('online');
    return room;
  }

  /**
   * Two devices that see each other.
   * @param {import('./room.mjs').JoinFields} [sender]
   * @param {import('./room.mjs').JoinFields} [receiver]
   * @param {How} [how]
   * @param {How} [receiverHow]
   * @returns {Promise<[Room, Room]>}
   */
  async pair(sender = {}, receiver = sender, how = {}, receiverHow = how) {
    const rooms = await Promise.all([this.join('Ada', sender, how), this.join('Bo', receiver, receiverHow)]);
    await Promise.all([rooms[0].waitForPeer('Bo'), rooms[1].waitForPeer('Ada')]);
    return rooms;
  }

  /**
   * Names complaints of the browser that this test provokes; all others fail it.
   * @param {...RegExp} patterns
   */
  expectNoise(...patterns) {
    this.#expected.push(...patterns);
  }

  /**
   * What a window complained about.
   * @param {string} name what the test calls the window
   */
  noiseOf(name) {
    const device = this.#devices.get(name);
    assert.ok(device, `a window is called ${name}`);
    return device.noise;
  }

  /** Fails if a page or worker complained. */
  assertQuiet() {
    for (const [name, { noise }] of this.#devices) {
      const unexpected = noise.lines.filter((line) => !this.#expected.some((pattern) => pattern.test(line)));
      assert.deepEqual(unexpected, [], `the window ${name} complains`);
    }
  }

  /**
   * The error with what every window showed, and pictures of them.
   * @param {unknown} error
   */
  async explained(error) {
    await mkdir(RESULTS, { recursive: true });
    const slug = this.name.replaceAll(/[^a-z0-9]+/gi, '-');
    const reports = await Promise.all(
      [...this.#devices].map(async ([name, { page, noise }]) => {
        const picture = `${RESULTS}failed-${slug}-${name}.png`;
        const look = async () => {
          const shown = await page.locator('body').innerText({ timeout: 2_000 }).catch(String);
          await page.screenshot({ path: picture, timeout: 5_000 }).catch(() => undefined);
          return shown;
        };
        const shown = await inTime(look(), WINDOW, 'looking at the window').catch(String);
        return [`--- ${name} (${page.url()}, ${picture})`, shown.replaceAll(/\n+/g, ' | '), ...noise.lines];
      }),
    );
    const explained = error instanceof Error ? error : new Error(String(error));
    explained.stack = [explained.stack, ...reports.flat()].join('\n');
    return explained;
  }

  /** Closes the windows and ends what was started: all of it, also if some of it fails. */
  async close() {
    const closing = [...this.#devices.values()].map(({ page }) =>
      // The browser ends with the file in any case.
      inTime(page.context().close(), WINDOW, 'closing a window').catch((error) => console.error(String(error))),
    );
    await Promise.all(closing);
    let failure;
    for (const end of this.#endings.reverse()) {
      await inTime(end(), WINDOW, 'ending what the test started').catch((error) => (failure ??= error));
    }
    if (failure) throw failure;
  }
}

/** @param {import('playwright-core').BrowserContextOptions} [options] */
async function openInChromium(options) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  return { page, noise: await collectNoise(page) };
}

/** @param {import('./engines/page.mjs').Engine | import('./tabs.mjs').Tabs} engine */
async function openIn(engine) {
  const opened = await engine.newPage();
  // All that rooms and transfers use of a page.
  const page = /** @type {import('playwright-core').Page} */ (/** @type {unknown} */ (opened));
  return { page, noise: opened.noise };
}
