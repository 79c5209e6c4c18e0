// A browser's remote control: commands, answers and events over one WebSocket. Chromium's own
// (https://chromedevtools.github.io/devtools-protocol/) and WebDriver BiDi
// (https://www.w3.org/TR/webdriver-bidi/) have this in common.

import WebSocket from 'ws';

/**
 * What happened: `session` is Chromium's name for the window it happened in.
 * @typedef {(method: string, params: any, session: string | undefined) => void} Listener
 */

export class RemoteControl {
  #socket;
  #last = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  /** @type {Set<Listener>} */
  #listeners = new Set();

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (text) => this.#receive(JSON.parse(text.toString())));
    socket.on('close', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('the browser is gone'));
      this.#calls.clear();
    });
  }

  /**
   * @param {string} address of the WebSocket
   * @returns {Promise<RemoteControl>}
   */
  static connect(address) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      socket.once('open', () => resolve(new RemoteControl(socket)));
      socket.once('error', reject);
    });
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @param {string} [sessionId] Chromium's name for a window
   * @returns {Promise<any>}
   */
  call(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  /**
   * Hears every event.
   * @param {Listener} listener
   * @returns {() => void} stops hearing
   */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for something to happen.
   * @param {string} wanted the event's name
   * @param {string} [place] the session it happens in
   * @returns {Promise<any>} the event's parameters
   */
  event(wanted, place) {
    return new Promise((resolve) => {
      const stop = this.listen((method, params, session) => {
        if (method !== wanted || session !== place) return;
        stop();
        resolve(params);
      });
    });
  }

  /** @param {{ id?: number, result?: object, error?: string | { message: string }, message?: string, method?: string, params?: object, sessionId?: string }} message */
  #receive({ id, result, error, message, method, params, sessionId }) {
    if (method !== undefined) {
      this.#listeners.forEach((listener) => listener(method, params, sessionId));
      return;
    }
    const call = this.#calls.get(id ?? 0);
    this.#calls.delete(id ?? 0);
    if (typeof error === 'string') call?.reject(new Error(`${error}: ${message}`));
    else if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  }
}
