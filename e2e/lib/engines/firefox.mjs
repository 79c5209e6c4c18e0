// Firefox, driven over WebDriver BiDi.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, stop } from '../processes.mjs';
import { RemoteControl } from '../remote-control.mjs';
import { EnginePage } from './page.mjs';
import { takeAway } from './saved.mjs';

const executable = process.env.MQDROP_FIREFOX ?? 'firefox-esr';

/** What this profile sets beyond what the browser sets by itself when it is driven. */
const PREFERENCES = {
  // Nothing leaves this computer: what is not on it is asked of a proxy that does not exist.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.trr.mode': 5,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Keys on a keyboard that are no letters (https://www.w3.org/TR/webdriver2/#keyboard-actions). */
const ENTER = '\uE007';

export class Firefox {
  #program;
  #bidi;
  #profile;

  /**
   * @param {import('../processes.mjs').Program} program
   * @param {RemoteControl} bidi
   * @param {string} profile
   */
  constructor(program, bidi, profile) {
    this.#program = program;
    this.#bidi = bidi;
    this.#profile = profile;
  }

  /**
   * Starts the browser.
   * @param {{ isPrivate?: boolean }} [options] whether its windows are private ones
   */
  static async launch({ isPrivate = false } = {}) {
    const profile = await mkdtemp(join(tmpdir(), 'mqdrop-firefox-'));
    const lines = Object.entries({ ...PREFERENCES, 'browser.privatebrowsing.autostart': isPrivate }).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    await writeFile(join(profile, 'user.js'), lines.join(''));
    const options = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'];
    let address = '';
    const program = await start(executable, options, (line) => {
      address ||= /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1] ?? '';
      return address !== '';
    }, 60_000);
    const bidi = await RemoteControl.connect(`${address}/session`);
    await bidi.call('session.new', { capabilities: {} });
    await bidi.call('session.subscribe', {
      events: [
        'log.entryAdded',
        'browsingContext.contextCreated',
        'browsingContext.downloadWillBegin',
        'browsingContext.downloadEnd',
      ],
    });
    return new Firefox(program, bidi, profile);
  }

  /** Opens a window with storage of its own. */
  async newPage() {
    const { userContext } = await this.#bidi.call('browser.createUserContext');
    await this.#bidi.call('browser.setDownloadBehavior', {
      downloadBehavior: { type: 'allowed', destinationFolder: join(this.#profile, `saved-${userContext}`) },
      userContexts: [userContext],
    });
    const { context } = await this.#bidi.call('browsingContext.create', { type: 'window', userContext });
    return windowOf(this.#bidi, userContext, context);
  }

  async close() {
    await this.#bidi.call('browser.close');
    await stop(this.#program);
    // Processes that are on their way out may still write there.
      await rm(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/**
 * @param {RemoteControl} bidi
 * @param {string} userContext
 * @param {string} context
 */
function windowOf(bidi, userContext, context) {
  /** @param {string} functionDeclaration @param {object} [more] */
  const call = async (functionDeclaration, more = {}) => {
    const { type, result, exceptionDetails } = await bidi.call('script.callFunction', {
      functionDeclaration,
      awaitPromise: true,
      userActivation: true,
      target: { context },
      ...more,
    });
    if (type === 'exception') throw new Error(exceptionDetails.text);
    return result;
  };
  const page = new EnginePage({
    go: (url) => bidi.call('browsingContext.navigate', { context, url, wait: 'complete' }),
    // Driven like this, the browser lets no page ask.
    reload: () => bidi.call('browsingContext.reload', { context, wait: 'complete' }),
    run: async (source) => {
      const { value } = await call(`async () => JSON.stringify(await (${source})()) ?? 'null'`);
      return JSON.parse(value);
    },
    find: async (source) => ({ sharedId: (await call(source)).sharedId }),
    click: (element) => perform(bidi, context, 'pointer', clickOn(element)),
    type: (element, text) => perform(bidi, context, 'key', keysOf(text)),
    choose: (element, files) => bidi.call('input.setFiles', { context, element, files }),
    screenshot: async () => (await bidi.call('browsingContext.captureScreenshot', { context })).data,
    close: async () => {
      stopListening();
      await bidi.call('browser.removeUserContext', { userContext });
    },
  });

  const download = downloadsOf(page);
  // The window's page, and frames in it.
  const contexts = new Set([context]);
  const stopListening = bidi.listen((method, params) => {
    if (method === 'browsingContext.contextCreated' && contexts.has(params.parent)) contexts.add(params.context);
    if (!contexts.has(params.context ?? params.source?.context)) return;
    if (method === 'log.entryAdded' && (params.level === 'error' || params.level === 'warn')) {
      page.noise.add(`${params.level}: ${params.text}`);
    }
    download(method, params);
  });
  return page;
}

/**
 * Makes the browser's events of saved files the page's.
 * @param {EnginePage<any>} page
 */
function downloadsOf(page) {
  /** By address: an object URL is used once. @type {Map<string, (params: any) => void>} */
  const going = new Map();
  return (/** @type {string} */ method, /** @type {any} */ params) => {
    if (method === 'browsingContext.downloadWillBegin') {
      const path = new Promise((resolve) => going.set(params.url, resolve)).then(({ status, filepath }) => {
        if (status !== 'complete') throw new Error(`saving ended with ${status}`);
        return takeAway(filepath);
      });
      // Whoever asks for the path hears of it.
      path.catch(() => undefined);
      page.emit('download', { suggestedFilename: () => params.suggestedFilename, path: () => path });
    }
    if (method === 'browsingContext.downloadEnd') going.get(params.url)?.(params);
  };
}

/**
 * @param {RemoteControl} bidi
 * @param {string} context
 * @param {'pointer' | 'key'} type
 * @param {object[]} actions
 */
function perform(bidi, context, type, actions) {
  return bidi.call('input.performActions', { context, actions: [{ type, id: type, actions }] });
}

/** @param {{ sharedId: string }} element */
function clickOn(element) {
  return [
    { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element } },
    { type: 'pointerDown', button: 0 },
    { type: 'pointerUp', button: 0 },
  ];
}

/** @param {string} text */
function keysOf(text) {
  const letters = [...text].map((letter) => (letter === '\n' ? ENTER : letter));
  return letters.flatMap((value) => [
    { type: 'keyDown', value },
    { type: 'keyUp', value },
  ]);
}
