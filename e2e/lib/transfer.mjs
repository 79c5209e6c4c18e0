// One transfer on one window's list.

import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { sha256Of } from './files.mjs';

/** How long a transfer may take, in milliseconds, unless a test says otherwise. */
const TRANSFER_PATIENCE = 60_000;

/** A file as it was saved. @typedef {{ name: string, size: number, sha256: string }} SavedFile */

export class Transfer {
  /**
   * @param {import('playwright-core').Page} page
   * @param {string} parcel
   */
  constructor(page, parcel) {
    this.page = page;
    this.parcel = parcel;
    this.selector = `[data-testid="transfer"][data-parcel="${parcel}"]`;
    this.root = page.locator(this.selector);
  }

  /** @param {string} id */
  byId(id) {
    return this.root.getByTestId(id);
  }

  /**
   * Waits for the transfer's state; a final one that is not wanted fails at once.
   * @param {string} state
   * @param {number} [timeout]
   */
  async waitForState(state, timeout = TRANSFER_PATIENCE) {
    const states = new Set([state, 'failed', 'done', 'cancelled', 'declined']);
    const any = [...states].map((each) => `${this.selector}[data-state="${each}"]`).join(',');
    await this.page.locator(any).waitFor({ timeout });
    assert.equal(await this.root.getAttribute('data-state'), state, await this.describe());
  }

  /**
   * Waits until some, but not all, of the content has arrived.
   * @param {number} [atLeast] bytes
   */
  async waitForMiddle(atLeast = 1) {
    await this.page.waitForFunction(
      ([selector, bytes]) => {
        const shown = document.querySelector(/** @type {string} */ (selector));
        return Number(shown?.getAttribute('data-bytes')) >= Number(bytes);
      },
      /** @type {const} */ ([this.selector, atLeast]),
      { timeout: TRANSFER_PATIENCE },
    );
    const { bytes, total, state } = await this.progress();
    assert.ok(bytes < total, `still in the middle: ${bytes} of ${total} (${state})`);
  }

  /** @returns {Promise<{ bytes: number, total: number, state: string }>} */
  progress() {
    return this.root.evaluate((shown) => ({
      bytes: Number(shown.getAttribute('data-bytes')),
      total: Number(shown.getAttribute('data-total')),
      state: shown.getAttribute('data-state') ?? '',
    }));
  }

  /**
   * Waits until the transfer is under way with its rate and time left known, and reads everything
   * that is shown then, in one moment.
   */
  async snapshotInTheMiddle() {
    const found = await this.page.waitForFunction(
      (selector) => {
        const card = document.querySelector(selector);
        /** @param {string} id */
        const part = (id) => card?.querySelector(`[data-testid="${id}"]`);
        const shown = {
          state: card?.getAttribute('data-state') ?? '',
          bytes: Number(card?.getAttribute('data-bytes')),
          total: Number(card?.getAttribute('data-total')),
          title: part('transfer-title')?.textContent?.trim() ?? '',
          percent: Number(part('transfer-progress')?.getAttribute('aria-valuenow')),
          role: part('transfer-progress')?.getAttribute('role') ?? '',
          rate: part('transfer-rate')?.textContent?.trim() ?? '',
          timeLeft: part('transfer-eta')?.textContent?.trim() ?? '',
          receivers: [...(card?.querySelectorAll('[data-testid="receiver"]') ?? [])].map((row) => ({
            name: row.getAttribute('data-name') ?? '',
            state: row.getAttribute('data-state') ?? '',
            bytes: Number(row.getAttribute('data-bytes')),
          })),
        };
        return shown.state === 'active' && shown.percent > 0 && shown.rate && shown.timeLeft ? shown : undefined;
      },
      this.selector,
      { timeout: TRANSFER_PATIENCE },
    );
    const shown = await found.jsonValue();
    assert.ok(shown);
    return shown;
  }

  /**
   * Waits for what one receiver is shown as, on the sender's side.
   * @param {string} name
   * @param {string} state
   * @param {number} [timeout]
   */
  async waitForReceiver(name, state, timeout = TRANSFER_PATIENCE) {
    const row = `[data-testid="receiver"][data-name=${JSON.stringify(name)}][data-state="${state}"]`;
    await this.root.locator(row).waitFor({ timeout });
  }

  /** The files shown, in order. @returns {Promise<{ path: string, size: number, blake3: string }[]>} */
  files() {
    return this.byId('file').evaluateAll((rows) =>
      rows.map((row) => ({
        path: row.getAttribute('data-path') ?? '',
        size: Number(row.getAttribute('data-size')),
        blake3: row.getAttribute('data-blake3') ?? '',
      })),
    );
  }

  /** @param {'accept' | 'decline' | 'pause' | 'resume' | 'cancel' | 'remove'} button */
  async press(button) {
    await this.byId(button).click();
  }

  /**
   * Saves everything and reads what the browser wrote.
   * @param {number} count how many files there must be
   * @returns {Promise<SavedFile[]>} in the order they were saved
   */
  async save(count) {
    return collectDownloads(this.page, count, () => this.byId('save').click());
  }

  /**
   * Saves one file and reads what the browser wrote.
   * @param {string} path as the file's row names it
   * @returns {Promise<SavedFile>}
   */
  async saveFile(path) {
    const row = this.root.locator(`[data-testid="file"][data-path=${JSON.stringify(path)}]`);
    const [saved] = await collectDownloads(this.page, 1, () => row.getByTestId('save-file').click());
    assert.ok(saved);
    return saved;
  }

  /** The transfer in one line, for messages. */
  async describe() {
    return (await this.root.innerText()).replaceAll(/\s+/g, ' ');
  }
}

/**
 * Does something that saves files and waits for them.
 * @param {import('playwright-core').Page} page
 * @param {number} count
 * @param {() => Promise<void>} act
 * @returns {Promise<SavedFile[]>}
 */
export async function collectDownloads(page, count, act) {
  /** @type {import('playwright-core').Download[]} */
  const downloads = [];
  const all = new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${downloads.length} of ${count} files were saved`)),
      TRANSFER_PATIENCE,
    );
    page.on('download', function collect(download) {
      downloads.push(download);
      if (downloads.length < count) return;
      clearTimeout(timer);
      page.off('download', collect);
      resolve(undefined);
    });
  });
  // Whoever fails first is reported: the click or the wait.
  await Promise.all([act(), all]);
  return Promise.all(
    downloads.map(async (download) => {
      const path = await download.path();
      const { size } = await stat(path);
      return { name: download.suggestedFilename(), size, sha256: await sha256Of(path) };
    }),
  );
}
