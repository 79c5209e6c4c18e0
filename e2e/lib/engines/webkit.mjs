// WebKitGTK's MiniBrowser on a screen that nobody sees, driven over WebDriver.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTime } from '../in-time.mjs';
import { freePort, portAnswers, start, stop } from '../processes.mjs';
import * as inPage from './in-page.mjs';
import { EnginePage } from './page.mjs';
import { watchSaved } from './saved.mjs';
import { WebDriver } from './webdriver.mjs';

const executable = process.env.MQDROP_WEBKIT_DRIVER ?? 'WebKitWebDriver';

/** How long a script in the page may take at most, in milliseconds: as long as any test. */
const SCRIPT_PATIENCE = 300_000;

/** How long a browser may take to start, in milliseconds. */
const STARTING = 30_000;

/** How long ending it may take, in milliseconds. */
const QUITTING = 10_000;

export class WebKit {
  #screen;
  #display;

  /**
   * @param {import('../processes.mjs').Program} screen
   * @param {string} display the X11 display's name
   */
  constructor(screen, display) {
    this.#screen = screen;
    this.#display = display;
  }

  /** Starts the screen. Each window has a browser of its own, because a driver drives but one. */
  static async launch() {
    let number = '';
    const options = ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'];
    const screen = await start('Xvfb', options, (line) => {
      number ||= /^\d+$/.exec(line)?.[0] ?? '';
      return number !== '';
    });
    return new WebKit(screen, `:${number}`);
  }

  /** Opens a window with storage of its own. */
  async newPage() {
    const home = await mkdtemp(join(tmpdir(), 'mqdrop-webkit-'));
    const saved = join(home, 'saved');
    await mkdir(saved);
    // Where files are saved, as desktops say it (xdg-user-dirs).
    await writeFile(join(home, 'user-dirs.dirs'), `XDG_DOWNLOAD_DIR="${saved}"\n`);
    const folders = { HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_DATA_HOME: join(home, 'data') };
    const { driver, program } = await started({ DISPLAY: this.#display, ...folders });
    return windowOf(driver, home, saved, program);
  }

  async close() {
    await stop(this.#screen);
  }
}

/**
 * Starts a driver and its browser. Now and then a browser does not start at all, which says nothing
 * of what it was to load: another one is started then.
 * @param {Record<string, string>} environment
 */
async function started(environment) {
  for (let tries = 2; ; tries -= 1) {
    const port = await freePort();
    const program = await start(executable, [`--port=${port}`], () => true, undefined, environment);
    try {
      await portAnswers(port);
      const session = WebDriver.start(`http://127.0.0.1:${port}`, { timeouts: { script: SCRIPT_PATIENCE } });
      return { driver: await inTime(session, STARTING, 'starting WebKit'), program };
    } catch (error) {
      await stop(program);
      if (tries === 1) throw error;
      console.error(String(error));
    }
  }
}

/**
 * @param {WebDriver} driver
 * @param {string} home the folder where the browser keeps everything
 * @param {string} saved the folder where it saves files
 * @param {import('../processes.mjs').Program} program the driver's
 */
function windowOf(driver, home, saved, program) {
  /** @param {string} source */
  const run = async (source) => {
    const { value, heard } = await driver.run(`async () => ({ value: await (${source})(), heard: (${inPage.heard})() })`);
    for (const line of heard) page.noise.add(line);
    return value;
  };
  const page = new EnginePage({
    go: async (url) => {
      await driver.post('url', { url });
      // The driver tells nothing of the console, so the page does from here on.
      await run(String(inPage.listen));
    },
    reload: async () => {
      // What was heard until now goes with the page.
      await run('() => null');
      await driver.post('refresh');
      await run(String(inPage.listen));
    },
    run,
    find: (source) => driver.run(source),
    click: (element) => driver.click(element),
    type: (element, text) => driver.type(element, text),
    choose: (element, paths) => driver.type(element, paths.join('\n')),
    screenshot: () => driver.get('screenshot'),
    close: async () => {
      watching.close();
      // A browser that does not answer ends with its driver.
      try {
        await inTime(driver.quit(), QUITTING, 'ending WebKit');
      } catch (error) {
        console.error(String(error));
      }
      await stop(program);
      // Processes that are on their way out may still write there.
      await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  });
  const watching = watchSaved(saved, (download) => page.emit('download', download));
  return page;
}
