// WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/): commands and events over one WebSocket.

import WebSocket from 'ws';

export class Bidi {
  #socket;
  #last = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  /** @type {Set<(method: string, params: any) => void>} */
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
   * @returns {Promise<Bidi>}
   */
  static connect(address) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      socket.once('open', () => resolve(new Bidi(socket)));
      socket.once('error', reject);
    });
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<any>}
   */
  call(method, params = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /**
   * Hears every event that was subscribed to.
   * @param {(method: string, params: any) => void} listener
   * @returns {() => void} stops hearing
   */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {{ type: string, id?: number, result?: object, error?: string, message?: string, method?: string, params?: object }} message */
  #receive({ type, id, result, error, message, method, params }) {
    if (type === 'event') {
      this.#listeners.forEach((listener) => listener(method ?? '', params));
      return;
    }
    const call = this.#calls.get(id ?? 0);
    this.#calls.delete(id ?? 0);
    if (type === 'error') call?.reject(new Error(`${error}: ${message}`));
    else call?.resolve(result);
  }
}
