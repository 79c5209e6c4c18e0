// What this program and all that it started take of the machine, from Linux' /proc.

import { readdir, readFile } from 'node:fs/promises';

/** The kernel's unit of processor time, in milliseconds. */
export const TICK = 10;

/** Fields of /proc/PID/stat, counted after the name in parentheses. */
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;

/**
 * A process: `time` is its processor time so far, in milliseconds.
 * @typedef {{ pid: number, parent: number, time: number }} Process
 */

/**
 * A process and all below it.
 * @template {{ pid: number, parent: number }} P
 * @param {P[]} processes
 * @param {number | undefined} root
 * @returns {P[]}
 */
export function familyOf(processes, root) {
  const family = new Set([root]);
  // Children are listed after their parents often, but not always.
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  return processes.filter(({ pid }) => family.has(pid));
}

/**
 * Reads something of every process there is.
 * @template T
 * @param {(pid: number) => Promise<T>} read
 * @returns {Promise<T[]>}
 */
export async function ofEveryProcess(read) {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // A process may have ended meanwhile.
  const found = await Promise.all(names.map((name) => read(Number(name)).catch(() => undefined)));
  return found.filter((each) => each !== undefined);
}

/**
 * How much of the machine was used: `ours` by this program and all that it started, `others` by the rest and
 * by the host, `seconds` that it took; processor time in milliseconds.
 * @typedef {{ ours: number, others: number, seconds: number }} Usage
 */

/**
 * Begins to count processor time.
 * @returns {Promise<() => Promise<Usage>>} tells what was used since then
 */
export async function countProcessorTime() {
  const before = await times();
  return async () => {
    const after = await times();
    let ours = 0;
    for (const [pid, time] of after.each) ours += time - (before.each.get(pid) ?? 0);
    return { ours, others: Math.max(0, after.busy - before.busy - ours), seconds: (after.at - before.at) / 1000 };
  };
}

async function times() {
  const at = performance.now();
  const [processes, machine] = await Promise.all([ofEveryProcess(readProcess), readFile('/proc/stat', 'utf8')]);
  // User, nice, system, idle, waiting, two kinds of interrupts, and what the host gave to others.
  const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0, stolen = 0] = (machine.split('\n')[0] ?? '').split(/\s+/).slice(1).map(Number);
  const each = new Map(familyOf(processes, process.pid).map(({ pid, time }) => [pid, time]));
  return { at, each, busy: (user + nice + system + hard + soft + stolen) * TICK };
}

/**
 * @param {number} pid
 * @returns {Promise<Process>}
 */
export async function readProcess(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
  return { pid, parent: fields[PARENT] ?? 0, time: ((fields[USER] ?? 0) + (fields[SYSTEM] ?? 0)) * TICK };
}
