// A computer that sleeps: a program and everything that it started stand still, and nobody is told.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How long processes may take to stand still, in milliseconds. */
const FALLING_ASLEEP = 10_000;

/** What stands still now. @type {Set<number>} */
const asleep = new Set();
// What stands still does not notice that the tests have ended.
process.once('exit', () => wake(asleep));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/**
 * Stops a program and its processes, and waits until none of them runs.
 * @param {number} program its pid
 * @returns what has them go on, which also the end of a test does
 */
export async function sleepOf(program) {
  /** @type {Set<number>} */
  const own = new Set();
  const deadline = Date.now() + FALLING_ASLEEP;
  // One that runs may start another: until all that are there were found to stand still.
  for (;;) {
    const running = familyOf(program).filter(({ state }) => state !== 'T' && state !== 'Z');
    if (running.length === 0) return { processes: own.size, stop: async () => wake(own) };
    for (const { pid } of running) {
      own.add(pid);
      asleep.add(pid);
      signal(pid, 'SIGSTOP');
    }
    if (Date.now() > deadline) {
      wake(own);
      throw new Error(`${running.length} processes do not stand still`);
    }
    await delay(25);
  }
}

/** @param {Set<number>} pids */
function wake(pids) {
  for (const pid of [...pids]) {
    pids.delete(pid);
    asleep.delete(pid);
    signal(pid, 'SIGCONT');
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} what
 */
function signal(pid, what) {
  try {
    process.kill(pid, what);
  } catch {
    // It ended by itself.
  }
}

/**
 * A program and what it started, directly or not.
 * @param {number} program
 */
function familyOf(program) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => look(Number(name)));
  const family = new Set([program]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/**
 * One process, if it has not ended meanwhile; see proc_pid_stat(5).
 * @param {number} pid
 */
function look(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before them, in parentheses, may have spaces.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, state, parent: Number(parent) }];
  } catch {
    return [];
  }
}
