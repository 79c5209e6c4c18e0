// What a browser saves.

import { existsSync, watch } from 'node:fs';
import { mkdtemp, readdir, readlink, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two looks, in milliseconds. */
const INTERVAL = 25;

/**
 * Moves a saved file to a folder of its own, so that the same name can be saved again.
 * @param {string} path
 * @returns where it is then
 */
export async function takeAway(path) {
  const away = join(await mkdtemp(`${dirname(path)}-`), basename(path));
  await rename(path, away);
  return away;
}

/**
 * Reports each file that appears in a folder: for browsers that do not tell.
 * @param {string} folder
 * @param {(download: import('./page.mjs').Download) => void} report
 */
export function watchSaved(folder, report) {
  return watch(folder, (event, name) => {
    // Names come and go with this event.
    if (event !== 'rename' || !name || !existsSync(join(folder, name))) return;
    const path = whenComplete(join(folder, name)).then(takeAway);
    // Whoever asks for the path hears of it.
    path.catch(() => undefined);
    report({ suggestedFilename: () => name, path: () => path });
  });
}

/**
 * Waits until nobody has a file open any more.
 * @param {string} path
 */
async function whenComplete(path) {
  while (await isOpen(path)) await delay(INTERVAL);
  return path;
}

/**
 * Whether any process of this user has a file open.
 * @param {string} path
 */
async function isOpen(path) {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const open = await Promise.all(
    processes.map(async (pid) => {
      // Processes and their files come and go while they are looked at; others' are not to be seen.
      const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
      return targets.includes(path);
    }),
  );
  return open.includes(true);
}
