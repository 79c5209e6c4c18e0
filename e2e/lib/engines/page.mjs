// What `Room` and `Transfer` use of Playwright's page, for engines that other drivers drive.

import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Noise } from '../browser.mjs';
import * as inPage from './in-page.mjs';

/** How long a page may take, in milliseconds, unless it is said. */
const PATIENCE = 30_000;

/** What the drivers' keyboards cannot type: characters beyond the first plane, emoji among them. */
const BEYOND_KEYBOARD = /([\u{10000}-\u{10FFFF}]+)/u;

/**
 * A saved file: its name, and where it lies once all of it is there.
 * @typedef {{ suggestedFilename: () => string, path: () => Promise<string> }} Download
 */

/**
 * One window, as a driver sees it.
 * @template E elements in the driver's words
 * @typedef {object} Driven
 * @property {(url: string) => Promise<unknown>} go loads a page
 * @property {() => Promise<unknown>} reload loads it anew, whatever it asks
 * @property {(source: string) => Promise<any>} run evaluates an expression whose value is a function
 *   without parameters, and returns what its result promises: what JSON can carry
 * @property {(source: string) => Promise<E>} find the same for one element
 * @property {(element: E) => Promise<unknown>} click as a person does
 * @property {(element: E, text: string) => Promise<unknown>} type at the end of the field that has the focus
 * @property {(element: E, paths: string[]) => Promise<unknown>} choose files for a file input
 * @property {() => Promise<string>} screenshot a PNG in base64
 * @property {() => Promise<unknown>} close
 */

/**
 * An engine besides Chromium.
 * @typedef {{ newPage: () => Promise<EnginePage<any>>, close: () => Promise<void> }} Engine
 */

/** @template E */
export class EnginePage extends EventEmitter {
  /** What went wrong in this window. */
  noise = new Noise();
  #driven;
  #url = 'about:blank';

  /** @param {Driven<E>} driven */
  constructor(driven) {
    super();
    this.#driven = driven;
  }

  /** @param {string} url */
  async goto(url) {
    this.#url = url;
    await this.#driven.go(url);
  }

  async reload() {
    await this.#driven.reload();
  }

  /** The address that was opened. */
  url() {
    return this.#url;
  }

  /** A window has its storage for itself; both end together. */
  context() {
    return { close: () => this.#driven.close() };
  }

  /** @param {{ path: string }} where */
  async screenshot({ path }) {
    await writeFile(path, Buffer.from(await this.#driven.screenshot(), 'base64'));
  }

  /**
   * Runs a function in the page.
   * @template A, R
   * @param {(argument: A) => R | Promise<R>} body
   * @param {A} [argument]
   * @returns {Promise<R>}
   */
  evaluate(body, argument) {
    return this.#driven.run(`() => (${body})(${JSON.stringify(argument)})`);
  }

  /**
   * Waits until a function in the page returns something.
   * @template A, R
   * @param {(argument: A) => R} body
   * @param {A} argument
   * @param {{ timeout?: number }} [options]
   * @returns {Promise<{ jsonValue: () => Promise<R> }>}
   */
  async waitForFunction(body, argument, { timeout = PATIENCE } = {}) {
    const value = await this.#waitFor(`() => (${body})(${JSON.stringify(argument)})`, timeout, String(body));
    return { jsonValue: async () => value };
  }

  /** @param {string} id */
  getByTestId(id) {
    return this.locator(byTestId(id));
  }

  /** @param {string} selector */
  locator(selector) {
    return new EngineLocator(this, selector);
  }

  /**
   * Waits for the one element that matches.
   * @param {string} selector
   * @param {'attached' | 'detached' | 'visible' | 'ready'} state `ready` to be clicked
   * @param {number} [timeout]
   */
  waitForElement(selector, state, timeout = PATIENCE) {
    const condition = `() => (${inPage.isIn})(${JSON.stringify(selector)}, ${JSON.stringify(state)})`;
    return this.#waitFor(condition, timeout, `${selector} to be ${state}`);
  }

  /** @param {string} selector */
  async click(selector) {
    await this.waitForElement(selector, 'ready');
    await this.#driven.click(await this.#find(selector));
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  async type(selector, text) {
    await this.waitForElement(selector, 'visible');
    await this.evaluate(inPage.empty, selector);
    for (const part of text.split(BEYOND_KEYBOARD).filter(Boolean)) {
      if (BEYOND_KEYBOARD.test(part)) await this.evaluate(inPage.insert, part);
      else await this.#driven.type(await this.#find(selector), part);
    }
    await this.waitForFunction(inPage.hasValue, /** @type {const} */ ([selector, text]));
  }

  /**
   * @param {string} selector
   * @param {string[]} paths
   */
  async choose(selector, paths) {
    await this.waitForElement(selector, 'attached');
    await this.#driven.choose(await this.#find(selector), paths);
  }

  /** @param {string} selector */
  #find(selector) {
    return this.#driven.find(`() => document.querySelector(${JSON.stringify(selector)})`);
  }

  /**
   * @param {string} condition
   * @param {number} timeout
   * @param {string} what for messages
   */
  async #waitFor(condition, timeout, what) {
    const { found, value } = await this.#driven.run(`() => (${inPage.waitFor})(${condition}, ${timeout})`);
    if (!found) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    return value;
  }
}

/** Elements that match a selector; what is done to them is done to the only one. */
class EngineLocator {
  /**
   * @param {EnginePage<any>} page
   * @param {string} selector
   */
  constructor(page, selector) {
    this.page = page;
    this.selector = selector;
  }

  /** @param {string} id */
  getByTestId(id) {
    return this.locator(byTestId(id));
  }

  /** @param {string} selector below these */
  locator(selector) {
    return new EngineLocator(this.page, `${this.selector} ${selector}`);
  }

  /** Sending adds one transfer at a time, so the first is the only one. */
  first() {
    return this;
  }

  /** @param {{ state?: 'attached' | 'detached' | 'visible', timeout?: number }} [options] */
  async waitFor({ state = 'visible', timeout } = {}) {
    await this.page.waitForElement(this.selector, state, timeout);
  }

  async click() {
    await this.page.click(this.selector);
  }

  /** @param {string} text */
  async fill(text) {
    await this.page.type(this.selector, text);
  }

  /** @param {string | string[]} paths */
  async setInputFiles(paths) {
    await this.page.choose(this.selector, [paths].flat());
  }

  count() {
    return this.evaluateAll((all) => all.length);
  }

  /** @param {string} name @returns {Promise<string | null>} */
  getAttribute(name) {
    return this.#read(`(element) => element.getAttribute(${JSON.stringify(name)})`);
  }

  /** @returns {Promise<string>} */
  textContent() {
    return this.#read('(element) => element.textContent');
  }

  /** @returns {Promise<string>} */
  innerText() {
    return this.#read('(element) => element.innerText');
  }

  /**
   * @template R
   * @param {(element: HTMLElement) => R} body
   * @returns {Promise<R>}
   */
  evaluate(body) {
    return this.#read(String(body));
  }

  /**
   * @template R
   * @param {(elements: HTMLElement[]) => R} body
   * @returns {Promise<R>}
   */
  evaluateAll(body) {
    return this.page.evaluate(
      /** @type {any} */ (`(selector) => (${body})([...document.querySelectorAll(selector)])`),
      this.selector,
    );
  }

  /** @param {string} body of a function that takes the element */
  async #read(body) {
    await this.waitFor({ state: 'attached' });
    return this.page.evaluate(
      /** @type {any} */ (`(selector) => (${body})(document.querySelector(selector))`),
      this.selector,
    );
  }
}

/** @param {string} id */
function byTestId(id) {
  return `[data-testid=${JSON.stringify(id)}]`;
}
