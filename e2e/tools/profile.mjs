// Where the time of a transfer goes: processor time by thread, and what the two workers do.
//
//   node tools/profile.mjs [MIB] [FILES]          without the profiler, which takes a part itself
//   node tools/profile.mjs [MIB] [FILES] workers  with it
//   … --broker rabbitmq                           through another broker than the station
//   … --seconds 10                                for so long at most
//
// Build before: cargo xtask build --release. Names of functions in wasm need a site that was built
// without wasm-opt's stripping; MQDROP_SITE names it.

import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { offerFiles } from '../bench/app.mjs';
import { BROKERS } from '../bench/brokers.mjs';
import { LeanBrowser } from '../bench/lean-browser.mjs';
import { familyOf, ofEveryProcess, readProcess, TICK } from '../bench/processes.mjs';
import { makeFile, MIB, tempFolder } from '../lib/files.mjs';
import { startStation } from '../lib/station.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { broker: { type: 'string', default: 'station' }, seconds: { type: 'string', default: '60' } },
});
const [size = '256', files = '1', workers] = positionals;
const named = BROKERS[options.broker];
if (!named) throw new Error(`--broker takes one of: ${Object.keys(BROKERS).join(', ')}.`);
const station = await startStation();
const folders = await Promise.all([tempFolder(), tempFolder(), tempFolder()]);
const [sender, receiver] = await Promise.all([LeanBrowser.launch(folders[0].path), LeanBrowser.launch(folders[1].path)]);
const course = { sender, receiver, station, pages: '', folder: folders[2].path };
const broker = await named.start(course);
try {
  const paths = [];
  for (let number = 0; number < Number(files); number += 1) {
    paths.push((await makeFile(course.folder, `${number}.bin`, Math.ceil((Number(size) * MIB) / Number(files)))).path);
  }
  const transfer = await offerFiles(course, paths, Number(size) * MIB, { from: broker.from, to: [broker.to] });
  const profiles = workers ? await Promise.all([transfer.from.profileWorker(), transfer.to.profileWorker()]) : [];
  const before = await threads();
  const { bytes, seconds } = await transfer.runFor(Number(options.seconds) * 1000);
  const after = await threads();
  console.log(`${(bytes / MIB).toFixed(0)} MiB in ${seconds.toFixed(2)} s: ${(bytes / MIB / seconds).toFixed(1)} MiB/s\n`);
  tellThreads(before, after, seconds);
  for (const [side, profile] of profiles.entries()) tellProfile(side ? 'receiver' : 'sender', await profile.stop());
  await transfer.close();
} finally {
  await sender.close();
  await receiver.close();
  await broker.stop();
  await station.stop();
  for (const folder of folders) await folder.remove();
}

/**
 * The processor time of every thread of the browsers and the brokers, in milliseconds.
 * @returns {Promise<Map<string, { label: string, user: number, system: number }>>}
 */
async function threads() {
  const found = new Map();
  for (const { pid } of familyOf(await ofEveryProcess(readProcess), process.pid)) {
    try {
      const who = owner(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
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
 * What a process is.
 * @param {string} command with its arguments, each with a zero at its end
 */
function owner(command) {
  const side = folders.findIndex(({ path }) => command.includes(path));
  // Chromium's processes have spaces between arguments.
  if (side < 0 && !/--type=/.test(command)) return basename(command.split('\0')[0] ?? '');
  const type = /--utility-sub-type=(\S+?)\.mojom/.exec(command)?.[1] ?? /--type=([^\s\0]+)/.exec(command)?.[1] ?? 'browser';
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
