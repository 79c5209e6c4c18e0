// What the app keeps in the origin private file system of a page, which it leaves to the next one.

import assert from 'node:assert/strict';

/**
 * What is done to it.
 * @typedef {object} Damage
 * @property {number[]} [flip] bytes of content that become others, by their places
 * @property {number} [contentAfter] content ends after so many bytes
 * @property {number} [notesAfter] notes end after this part of them, from 0 to 1
 */

/** The app would have the files open. */
const WITHOUT_APP = { contentType: 'text/html', body: '<link rel="icon" href="data:,">' };

/**
 * What is stored for all pages of this origin, in which folder each parcel.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<{ folder: string, name: string }[]>}
 */
export function storedParcels(page) {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    // Not in all versions of the types can one ask for what is in it.
    const all = /** @type {any} */ (await root.getDirectoryHandle('mqdrop'));
    const stored = [];
    for await (const folder of all.values()) {
      for await (const { name } of folder.values()) {
        if (/^\d+$/.test(name)) stored.push({ folder: folder.name, name });
      }
    }
    return stored.sort((a, b) => (a.folder < b.folder ? -1 : 1));
  });
}

/**
 * Leaves the app and damages the one parcel that it stored.
 * @param {import('playwright-core').Page} page
 * @param {string} origin where the app is served
 * @param {Damage} damage
 */
export async function damageStored(page, origin, damage) {
  const address = `${origin}/without-app`;
  await page.route(address, (route) => route.fulfill(WITHOUT_APP));
  await page.goto(address);
  const [stored, ...others] = await storedParcels(page);
  assert.ok(stored && others.length === 0, 'one parcel is stored');
  await page.evaluate(async ({ stored, damage: { flip = [], contentAfter, notesAfter = 1 } }) => {
    // Whoever uses a folder holds the lock of its name.
    await navigator.locks.request(`mqdrop/${stored.folder}`, async () => {
      const root = await navigator.storage.getDirectory();
      const all = await root.getDirectoryHandle('mqdrop');
      const folder = await all.getDirectoryHandle(stored.folder);
      await change(await folder.getFileHandle(stored.name), ({ size }) => contentAfter ?? size, flip);
      await change(await folder.getFileHandle(`${stored.name}.notes`), ({ size }) => Math.floor(size * notesAfter));
    });

    /**
     * @param {FileSystemFileHandle} handle
     * @param {(file: File) => number} length
     * @param {number[]} [places] of bytes
     */
    async function change(handle, length, places = []) {
      const file = await handle.getFile();
      const writable = await openWritable(handle);
      for (const position of places) {
        const [byte] = new Uint8Array(await file.slice(position, position + 1).arrayBuffer());
        await writable.write({ type: 'write', position, data: Uint8Array.of(byte ^ 1) });
      }
      await writable.truncate(length(file));
      await writable.close();
    }

    /** @param {FileSystemFileHandle} handle its file may be open for a moment longer than its worker holds the lock */
    async function openWritable(handle) {
      for (;;) {
        try {
          return await handle.createWritable({ keepExistingData: true });
        } catch (error) {
          if (!(error instanceof DOMException) || error.name !== 'NoModificationAllowedError') throw error;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  }, { stored, damage });
}
