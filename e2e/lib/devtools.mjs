// A Chromium of its own, which says where its DevTools listen.

import { args, executablePath } from './browser.mjs';
import { start } from './processes.mjs';

/**
 * Starts a browser with one window.
 * @param {string} profile the folder where it keeps everything
 * @param {string[]} [options] besides those that every browser here is started with
 */
export async function startChromium(profile, options = []) {
  if (!executablePath) throw new Error('Chromium is missing: install it, or name it in MQDROP_CHROMIUM');
  const own = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
  let address = '';
  const program = await start(executablePath, [...own, ...options, ...args, 'about:blank'], (line) => {
    address ||= /DevTools listening on (ws:\S+)/.exec(line)?.[1] ?? '';
    return address !== '';
  });
  return { program, address };
}
