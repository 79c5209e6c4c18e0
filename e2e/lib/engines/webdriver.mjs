// WebDriver (https://www.w3.org/TR/webdriver2/): one session of a browser, commanded over HTTP.

/** How elements are named in JSON (section 12.2, "web element identifier"). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** An element of a page. @typedef {Record<typeof ELEMENT, string>} Element */

export class WebDriver {
  #session;

  /** @param {string} session its address */
  constructor(session) {
    this.#session = session;
  }

  /**
   * Starts a browser.
   * @param {string} driver the driver's address
   * @param {object} capabilities
   */
  static async start(driver, capabilities) {
    const { sessionId } = await request('POST', `${driver}/session`, { capabilities: { alwaysMatch: capabilities } });
    return new WebDriver(`${driver}/session/${sessionId}`);
  }

  /**
   * @param {string} path below the session's
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  post(path, body = {}) {
    return request('POST', `${this.#session}/${path}`, body);
  }

  /**
   * @param {string} path below the session's
   * @returns {Promise<any>}
   */
  get(path) {
    return request('GET', `${this.#session}/${path}`);
  }

  /**
   * Runs a function in the page and waits for what it promises.
   * @param {string} source an expression whose value is a function without parameters
   * @returns {Promise<any>} what JSON can carry, and elements
   */
  run(source) {
    const script = `
      const done = arguments[arguments.length - 1];
      Promise.resolve().then(${source}).then(
        (value) => done({ value }),
        (error) => done({ error: String(error?.stack ?? error) }),
      );`;
    return this.post('execute/async', { script, args: [] }).then(({ value, error }) => {
      if (error !== undefined) throw new Error(error);
      return value;
    });
  }

  /** @param {Element} element */
  click(element) {
    return this.post(`element/${element[ELEMENT]}/click`);
  }

  /**
   * Types, or names the files a file input is to have.
   * @param {Element} element
   * @param {string} text
   */
  type(element, text) {
    return this.post(`element/${element[ELEMENT]}/value`, { text });
  }

  /** Ends the browser. */
  quit() {
    return request('DELETE', this.#session);
  }
}

/**
 * @param {string} method
 * @param {string} url
 * @param {object} [body]
 */
async function request(method, url, body) {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${value.error}: ${value.message} (${method} ${new URL(url).pathname})`);
  return value;
}
