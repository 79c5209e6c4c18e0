// The station under test: `mqdrop serve`, serving the built site and a broker.

import { fileURLToPath } from 'node:url';
import { start, stop } from './processes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The program under test. */
export const binary = process.env.MQDROP_STATION ?? `${root}target/debug/mqdrop`;
const site = process.env.MQDROP_SITE ?? `${root}dist`;

/**
 * A running station.
 * @typedef {object} Station
 * @property {number} port
 * @property {string} origin the app's address
 * @property {string} broker the broker's WebSocket address
 * @property {string} observerUrl where a plain MQTT client connects
 * @property {number | undefined} pid
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill without any warning (SIGKILL)
 * @property {() => Promise<void>} restart on the same port, all sessions forgotten
 */

/**
 * Starts a station on a free port of this computer.
 * @param {string[]} [options] more command-line options
 * @returns {Promise<Station>}
 */
export async function startStation(options = []) {
  let { program, port, secure } = await launch(0, options);
  return {
    port,
    origin: `http${secure}://127.0.0.1:${port}`,
    broker: `ws${secure}://127.0.0.1:${port}/mqtt`,
    observerUrl: `ws${secure}://127.0.0.1:${port}/mqtt`,
    get pid() {
      return program.child.pid;
    },
    stop: async () => void (await stop(program)),
    kill: async () => void (await stop(program, 'SIGKILL')),
    restart: async () => {
      await stop(program);
      ({ program } = await launch(port, options));
    },
  };
}

/**
 * @param {number} port 0 for any free one
 * @param {string[]} options
 * @returns `secure`: what its schemes end with, s or nothing
 */
async function launch(port, options) {
  let [secure, found] = ['', 0];
  const program = await start(
    binary,
    ['serve', '--listen', `127.0.0.1:${port}`, '--app', site, ...options],
    (line) => {
      const address = found ? undefined : /http(s?):\/\/[^/\s]+:(\d+)/.exec(line);
      if (address) [secure, found] = [address[1], Number(address[2])];
      return found > 0;
    },
  );
  return { program, port: found, secure };
}
