// Where the time of a transfer goes: processor time by thread, and what the two workers do.
//
//   node tools/profile.mjs [MIB] [FILES]          without the profiler, which takes a part itself
//   node tools/profile.mjs [MIB] [FILES] workers  with it
//
// Build before: cargo xtask build --release. Names of functions in wasm need a site that was built
// without wasm-opt's stripping; MQDROP_SITE names it.

import { readdir, readFile } from 'node:fs/promises';
import { LeanBrowser } from '../bench/lean-browser.mjs';
import { offerFiles } from '../bench/app.mjs';
import { makeFile, MIB, tempFolder } from '../lib/files.mjs';
import { startStation } from '../lib/station.mjs';

/** Milliseconds in the kernel's unit of processor time on Linux. */
const TICK = 10;

const [size = '256', files = '1', workers] = process.argv.slice(2);
const station = await startStation();
const folders = await Promise.all([tempFolder(), tempFolder(), tempFolder()]);
const [sender, receiver] = await Promise.all([LeanBrowser.launch(folders[0].path), LeanBrowser.launch(folders[1].path)]);
try {
  const course = { sender, receiver, station, pages: '', folder: folders[2].path };
  const paths = [];
  for (let number = 0; number < Number(files); number += 1) {
    paths.push((await makeFile(course.folder, `${number}.bin`, Math.ceil((Number(size) * MIB) / Number(files)))).path);
  }
  const transfer = await offerFiles(course, paths, Number(size) * MIB);
  const profiles = workers ? await Promise.all([transfer.from.profileWorker(), transfer.to.profileWorker()]) : [];
  const before = await threads();
  const seconds = await transfer.run();
  const after = await threads();
  console.log(`${size} MiB in ${seconds.toFixed(2)} s: ${(Number(size) / seconds).toFixed(1)} MiB/s\n`);
  tellThreads(before, after, seconds);
  for (const [side, profile] of profiles.entries()) tellProfile(side ? 'receiver' : 'sender', await profile.stop());
  await transfer.end();
} finally {
  await sender.close();
  await receiver.close();
  await station.stop();
  for (const folder of folders) await folder.remove();
}

/**
 * The processor time of every thread of the browsers and the station, in milliseconds.
 * @returns {Promise<Map<string, { label: string, user: number, system: number }>>}
 */
async function threads() {
  const found = new Map();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      const who = Number(pid) === station.pid ? 'station' : owner(command);
      if (!who) continue;
      for (const thread of await readdir(`/proc/${pid}/task`)) {
        const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8');
        const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        found.set(thread, { label: `${who} ${pid} ${name}`, user: Number(fields[11]) * TICK, system: Number(fields[12]) * TICK });
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/**
 * What a process is, if it is one of ours.
 * @param {string} command
 */
function owner(command) {
  const side = folders.findIndex(({ path }) => command.includes(path));
  if (side < 0 && !/--type=/.test(command)) return undefined;
  const type = /--utility-sub-type=(\S+?)\.mojom/.exec(command)?.[1] ?? /--type=(\S+)/.exec(command)?.[1] ?? 'browser';
  return `${['sender', 'receiver'][side] ?? ''} ${type}`.trim();
}

/**
 * @param {Awaited<ReturnType<typeof threads>>} before
 * @param {Awaited<ReturnType<typeof threads>>} after
 * @param {number} seconds
 */
function tellThreads(before, after, seconds) {
  const used = [...after].map(([thread, { label, user, system }]) => ({
    label,
    user: user - (before.get(thread)?.user ?? 0),
    system: system - (before.get(thread)?.system ?? 0),
  }));
  const total = used.reduce((sum, { user, system }) => sum + user + system, 0);
  console.log(`processor time ${total} ms, ${(total / seconds / 1000).toFixed(2)} cores`);
  const most = used.toSorted((a, b) => b.user + b.system - a.user - a.system).slice(0, 40);
  for (const { label, user, system } of most) console.log(`${String(user).padStart(7)} user ${String(system).padStart(6)} system  ${label}`);
}

/**
 * @param {string} side
 * @param {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number, columnNumber: number } }[], samples: number[], timeDeltas: number[] }} profile
 */
function tellProfile(side, { nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || '(anonymous)'} ${callFrame.url.split('/').pop()?.split('?')[0]}:${callFrame.lineNumber + 1}:${callFrame.columnNumber + 1}`]));
  /** @type {Map<string, number>} */
  const own = new Map();
  samples.forEach((sample, index) => {
    const name = names.get(sample) ?? '';
    own.set(name, (own.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  });
  console.log(`\n${side}'s worker, own time in ms`);
  for (const [name, ms] of [...own].toSorted((a, b) => b[1] - a[1]).slice(0, 25)) console.log(`${ms.toFixed(0).padStart(7)}  ${name}`);
}
