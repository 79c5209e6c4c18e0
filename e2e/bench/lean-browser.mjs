// Chromium, driven with as little as will do: what tests drive it with listens to every message of
// every WebSocket, and that takes more of the machine than the messages themselves.

import { startChromium } from '../lib/devtools.mjs';
import { watchHeaps } from '../lib/heaps.mjs';
import { inTime } from '../lib/in-time.mjs';
import { stop } from '../lib/processes.mjs';
import { RemoteControl } from '../lib/remote-control.mjs';

/** How long a page may take over what a person would not wait for, in milliseconds. */
const PATIENCE = 30_000;

export class LeanBrowser {
  /** @type {import('../lib/processes.mjs').Program} */
  #program;
  /** @type {RemoteControl} */
  #devTools;

  /**
   * @param {import('../lib/processes.mjs').Program} program
   * @param {RemoteControl} devTools
   */
  constructor(program, devTools) {
    this.#program = program;
    this.#devTools = devTools;
  }

  /**
   * Starts a browser.
   * @param {string} profile the folder where it keeps everything
   * @param {string[]} [options] besides those that every browser here is started with
   */
  static async launch(profile, options) {
    const { program, address } = await startChromium(profile, options);
    return new LeanBrowser(program, await RemoteControl.connect(address));
  }

  /** The number of its first process; the others are below it. */
  get pid() {
    return this.#program.child.pid;
  }

  async version() {
    const { product } = await this.#devTools.call('Browser.getVersion');
    return product.replace(/^\D*/, '');
  }

  /**
   * Opens a window of its own, as tabs of one window hide each other, and waits until the page is loaded.
   * @param {string} url
   * @param {() => void} [first] runs in the page before anything else does
   */
  async open(url, first) {
    const { targetId } = await this.#devTools.call('Target.createTarget', { url: 'about:blank', newWindow: true });
    const { sessionId } = await this.#devTools.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new LeanPage(this.#devTools, sessionId, targetId);
    await page.go(url, first);
    return page;
  }

  async close() {
    try {
      await inTime(this.#devTools.call('Browser.close'), PATIENCE, 'asking the browser to end');
    } finally {
      await stop(this.#program);
    }
  }
}

export class LeanPage {
  #devTools;
  #session;
  #target;

  /**
   * @param {RemoteControl} devTools
   * @param {string} session
   * @param {string} target
   */
  constructor(devTools, session, target) {
    this.#devTools = devTools;
    this.#session = session;
    this.#target = target;
  }

  /**
   * @param {string} url
   * @param {() => void} [first] runs in the page before anything else does
   */
  async go(url, first) {
    await this.#call('Page.enable');
    if (first) await this.#call('Page.addScriptToEvaluateOnNewDocument', { source: `(${first})()` });
    const loaded = this.#devTools.event('Page.loadEventFired', this.#session);
    await this.#call('Page.navigate', { url });
    await inTime(loaded, PATIENCE, `loading ${url}`);
    await this.#call('Page.disable');
  }

  /**
   * Runs a function in the page; what it takes and returns goes as JSON.
   * @template A, R
   * @param {(argument: A) => R | Promise<R>} body
   * @param {A} [argument]
   * @returns {Promise<R>}
   */
  async evaluate(body, argument) {
    const expression = `(${body})(${JSON.stringify(argument) ?? ''})`;
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /**
   * Waits until something matches.
   * @param {string} selector
   * @param {number} [milliseconds]
   */
  async waitFor(selector, milliseconds = PATIENCE) {
    const seen = await this.evaluate(
      ({ selector, milliseconds }) =>
        new Promise((resolve) => {
          const look = () => {
            if (document.querySelector(selector)) finish(true);
          };
          const observer = new MutationObserver(look);
          const timer = setTimeout(() => finish(false), milliseconds);
          /** @param {boolean} found */
          const finish = (found) => {
            observer.disconnect();
            clearTimeout(timer);
            resolve(found);
          };
          observer.observe(document, { subtree: true, childList: true, attributes: true });
          look();
        }),
      { selector, milliseconds },
    );
    if (!seen) throw new Error(`${selector} did not appear; the page shows:\n${await this.evaluate(() => document.body.innerText)}`);
  }

  /** @param {string} selector */
  async click(selector) {
    await this.waitFor(selector);
    await this.evaluate((each) => {
      /** @type {HTMLElement} */ (document.querySelector(each)).click();
    }, selector);
  }

  /**
   * Chooses files.
   * @param {string} selector of the input
   * @param {string[]} files
   */
  async choose(selector, files) {
    const { result } = await this.#call('Runtime.evaluate', { expression: `document.querySelector(${JSON.stringify(selector)})` });
    await this.#call('DOM.setFileInputFiles', { files, objectId: result.objectId });
  }

  /**
   * What the heaps of the page and its workers hold from now on.
   * @returns {Promise<import('../lib/heaps.mjs').Heaps>}
   */
  watchHeaps() {
    return watchHeaps(this.#devTools, this.#session);
  }

  /** Begins to profile the page's worker; `stop` returns what the browser found. */
  async profileWorker() {
    const attached = this.#devTools.event('Target.attachedToTarget', this.#session);
    await this.#call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    const { sessionId } = await attached;
    await this.#devTools.call('Profiler.enable', {}, sessionId);
    await this.#devTools.call('Profiler.start', {}, sessionId);
    return { stop: async () => (await this.#devTools.call('Profiler.stop', {}, sessionId)).profile };
  }

  async close() {
    await this.#devTools.call('Target.closeTarget', { targetId: this.#target });
  }

  /**
   * @param {string} method
   * @param {object} [parameters]
   */
  #call(method, parameters) {
    return this.#devTools.call(method, parameters, this.#session);
  }
}
