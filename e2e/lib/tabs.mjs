// Chromium with tabs as people have them: one of a window is seen, the others are hidden, slow or
// frozen. What tests are otherwise run in holds every page to be seen.

import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { collectNoise, endBrowser } from './browser.mjs';
import { startChromium } from './devtools.mjs';
import { tempFolder } from './files.mjs';
import { watchHeaps } from './heaps.mjs';
import { stop } from './processes.mjs';
import { RemoteControl } from './remote-control.mjs';

/** Timers of hidden pages ring once a minute: otherwise after five minutes, here after a second. */
const SLOW_SOON = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1';

/** @typedef {import('playwright-core').Page} Page */

export class Tabs {
  #context;
  #address;
  #downloads;
  #end;

  /**
   * @param {number} pid the browser's own process
   * @param {import('playwright-core').BrowserContext} context
   * @param {string} address where its DevTools listen
   * @param {string} downloads where files are saved
   * @param {() => Promise<void>} end
   */
  constructor(pid, context, address, downloads, end) {
    this.pid = pid;
    this.#context = context;
    this.#address = address;
    this.#downloads = downloads;
    this.#end = end;
  }

  /** Starts the browser with one window. */
  static async launch() {
    const folder = await tempFolder();
    const { program, address } = await startChromium(join(folder.path, 'profile'), [SLOW_SOON]);
    const browser = await chromium.connectOverCDP(address, { noDefaults: true });
    return new Tabs(Number(program.child.pid), browser.contexts()[0], address, join(folder.path, 'saved'), async () => {
      await endBrowser(browser);
      await stop(program);
      await folder.remove();
    });
  }

  /** Opens a tab; it is the one that is seen. */
  async newPage() {
    const page = await this.#context.newPage();
    await this.#tellOfDownloads(page);
    return Object.assign(page, { noise: await collectNoise(page) });
  }

  /**
   * Another tab comes before this one, which is hidden then.
   * @param {Page} page
   */
  async hide(page) {
    const other = await this.#context.newPage();
    await other.bringToFront();
    await page.evaluate(async () => {
      while (document.visibilityState !== 'hidden') {
        await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
      }
    });
  }

  /**
   * Hides a tab and stops it altogether, as browsers do with what was not looked at for long.
   * @param {Page} page
   */
  async freeze(page) {
    await this.hide(page);
    const session = await page.context().newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  }

  /**
   * A frozen tab is looked at.
   * @param {Page} page
   */
  async wake(page) {
    const session = await page.context().newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await page.bringToFront();
  }

  /**
   * What the heaps of a tab and its workers hold from now on.
   * @param {Page} page
   */
  async watchHeaps(page) {
    const session = await page.context().newCDPSession(page);
    const { targetInfo } = await session.send('Target.getTargetInfo');
    // What drives the browser does not let others speak with its workers.
    const devTools = await RemoteControl.connect(this.#address);
    const { sessionId } = await devTools.call('Target.attachToTarget', { targetId: targetInfo.targetId, flatten: true });
    return watchHeaps(devTools, sessionId);
  }

  stop() {
    return this.#end();
  }

  /**
   * What drives the browser hears of downloads only where it decides how they are done.
   * @param {Page} page
   */
  async #tellOfDownloads(page) {
    const session = await page.context().newCDPSession(page);
    /** @type {Map<string, () => void>} */
    const complete = new Map();
    session.on('Browser.downloadWillBegin', ({ guid, suggestedFilename }) => {
      const saved = new Promise((resolve) => complete.set(guid, () => resolve(join(this.#downloads, guid))));
      // Its type hides that it is one.
      /** @type {import('node:events').EventEmitter} */ (/** @type {unknown} */ (page)).emit('download', { suggestedFilename: () => suggestedFilename, path: () => saved });
    });
    session.on('Browser.downloadProgress', ({ guid, state }) => state === 'completed' && complete.get(guid)?.());
    await session.send('Browser.setDownloadBehavior', { behavior: 'allowAndName', downloadPath: this.#downloads, eventsEnabled: true });
  }
}

/**
 * Chooses files as they lie there; Playwright would carry every byte into a browser that it did not start.
 * @param {import('./room.mjs').Room} room
 * @param {string[]} files
 */
export async function sendFrom(room, files) {
  const session = await room.page.context().newCDPSession(room.page);
  const expression = `document.querySelector('[data-testid="send-files"]')`;
  return room.newTransfer(async () => {
    const { result } = await session.send('Runtime.evaluate', { expression });
    await session.send('DOM.setFileInputFiles', { files, objectId: result.objectId });
  });
}
