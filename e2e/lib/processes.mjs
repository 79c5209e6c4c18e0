// Programs the tests start: brokers. Each is ended by its pid, also when a test fails.

import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * A started program and what it has said so far.
 * @typedef {{ child: import('node:child_process').ChildProcess, said: string[] }} Program
 */

/**
 * Starts a program and waits until it is ready.
 * @param {string} command
 * @param {string[]} args
 * @param {(line: string) => boolean} isReady looks at each line of its output until it is, and at an
 *   empty one first, when the program has started
 * @param {number} [milliseconds] how long it may take
 * @param {Record<string, string>} [env] what its environment has besides this one's
 * @returns {Promise<Program>}
 */
export async function start(command, args, isReady, milliseconds = 15_000, env = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  /** @type {string[]} */
  const said = [];
  await new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${command} ${why}; it said:\n${said.join('\n')}`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), milliseconds);
    child.once('error', (error) => fail(`does not start: ${error.message}`));
    const ended = (/** @type {number | null} */ code) => fail(`ended with ${code}`);
    child.once('exit', ended);
    let ready = false;
    const look = (/** @type {string} */ line) => {
      if (ready || !isReady(line)) return;
      ready = true;
      clearTimeout(timer);
      child.off('exit', ended);
      resolve(undefined);
    };
    child.once('spawn', () => look(''));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        look(line);
      });
    }
  });
  return { child, said };
}

/**
 * Asks a program to end and waits until it has; after five seconds ends it.
 * @param {Program} program
 * @param {NodeJS.Signals} [signal]
 * @returns {Promise<number | null>} its exit code, null if a signal ended it
 */
export async function stop({ child }, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
  return child.exitCode;
}

/** The ports that were given away, as what asked for them may not listen yet. @type {Set<number>} */
const given = new Set();

/**
 * A port of this computer that nothing listens on. Not of those that the system gives to outgoing
 * connections (from 32,768 on Linux): one of them may take it before a slow server does.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 21_000);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await new Promise((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/**
 * Waits until something listens on a port of this computer.
 * @param {number} port
 * @param {number} [milliseconds]
 */
export async function portAnswers(port, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'connect').then(() => true, () => false),
      delay(1_000, false),
    ]);
    socket.destroy();
    if (answered) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await delay(25);
  }
}
