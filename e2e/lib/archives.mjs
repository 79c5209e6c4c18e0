// Zip archives, read by programs that are not ours.

import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { sha256Of } from './files.mjs';

const run = promisify(execFile);

/** Names are in UTF-8, whatever the user's language is. */
const env = { ...process.env, LC_ALL: 'C.UTF-8' };

/** What unzip and Python say of an archive is long. */
const SAID = { env, maxBuffer: 64 * 1024 * 1024 };

/** Has Python's zipfile read all of an archive and compare every CRC. */
const PYTHON = `
import hashlib, json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps([[each.filename, hashlib.sha256(archive.read(each)).hexdigest()] for each in archive.infolist()]))
`;

/**
 * Reads an archive with Python and tests it with unzip, which both have to find it in order.
 * @param {string} archive its path
 * @returns {Promise<[path: string, sha256: string][]>}
 */
export async function entriesOf(archive) {
  await run('unzip', ['-tqq', archive], SAID);
  const { stdout } = await run('python3', ['-c', PYTHON, archive], SAID);
  return JSON.parse(stdout);
}

/**
 * Unpacks an archive.
 * @param {string} archive its path
 * @param {string} folder
 */
export async function unpack(archive, folder) {
  await run('unzip', ['-q', archive, '-d', folder], SAID);
}

/**
 * Every file below a folder, in order of paths.
 * @param {string} folder
 * @returns {Promise<{ path: string, sha256: string, seconds: number }[]>} paths from there on with `/`,
 *   and times of modification in seconds since 1970
 */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    files.map(async (file) => ({
      path: relative(folder, file).split(sep).join('/'),
      sha256: await sha256Of(file),
      seconds: Math.floor((await stat(file)).mtimeMs / 1000),
    })),
  );
  return read.sort((one, other) => (one.path < other.path ? -1 : 1));
}
