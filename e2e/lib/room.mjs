// What a person sees and does in one mqdrop window. Everything is found by its test id.

import assert from 'node:assert/strict';
import { Transfer } from './transfer.mjs';

/** How long a page may take to react, in milliseconds, when no transfer's length decides. */
export const PATIENCE = 30_000;

/**
 * What a link can carry.
 * @typedef {{ key?: string, broker?: string, name?: string, prefix?: string, auto?: boolean, lang?: string }} LinkParts
 */

/**
 * What the join form asks.
 * @typedef {object} JoinFields
 * @property {string} [key]
 * @property {string} [broker]
 * @property {string} [name]
 * @property {string} [username]
 * @property {string} [password]
 * @property {string} [prefix]
 * @property {string} [protocol] the option's value
 */

/**
 * The address that opens the app with these settings.
 * @param {string} origin where the app is served, without a slash at its end
 * @param {LinkParts} parts
 */
export function linkTo(origin, { auto, ...parts }) {
  const pairs = Object.entries(parts).filter(([, value]) => value !== undefined);
  const fragment = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`);
  if (auto) fragment.push('auto=1');
  return `${origin}/#${fragment.join('&')}`;
}

export class Room {
  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
  }

  /** @param {string} id */
  byId(id) {
    return this.page.getByTestId(id);
  }

  /**
   * Opens the app with these settings, and agrees to what the link asks for.
   * @param {string} origin where the app is served, without a slash at its end
   * @param {LinkParts} [parts]
   */
  async visit(origin, parts = {}) {
    await this.page.goto(linkTo(origin, parts));
    if (parts.auto) await this.byId('auto-confirm').click();
  }

  /** Loads the page anew, whatever it asks; the tab goes back to its room by itself. */
  async reload() {
    this.page.once('dialog', (dialog) => void dialog.accept());
    await this.page.reload();
    await this.waitForStatus('online');
    return this;
  }

  /**
   * The workers behind the page: one runs the engine, the other has its WebSocket.
   * @param {'engine' | 'socket'} which
   */
  async worker(which) {
    const workers = this.page.workers();
    const names = await Promise.all(workers.map((worker) => worker.evaluate(() => self.name)));
    const found = workers.filter((_, place) => (names[place] || 'engine') === which);
    assert.equal(found.length, 1, `one worker is the ${which}`);
    return found[0];
  }

  /**
   * Has a worker end as a fault in the program would.
   * @param {'engine' | 'socket'} which
   */
  async crash(which) {
    const worker = await this.worker(which);
    await worker.evaluate(() => {
      // Takes everything with it.
      setTimeout(() => {
        close();
        throw new Error('crashed on purpose');
      });
    });
  }

  /**
   * Fills in the join form and joins.
   * @param {JoinFields} fields
   */
  async join(fields) {
    await this.fill(fields);
    await this.byId('join').click();
  }

  /**
   * Fills in the join form.
   * @param {JoinFields} fields
   */
  async fill({ key, broker, name, username, password, prefix, protocol }) {
    const simple = { 'key-input': key, 'broker-input': broker, 'name-input': name };
    const advanced = { 'username-input': username, 'password-input': password, 'prefix-input': prefix };
    await this.#fillAll(simple);
    if (protocol === undefined && Object.values(advanced).every((value) => value === undefined)) return;
    if (!(await this.byId('username-input').isVisible())) {
      await this.page.getByText('Advanced', { exact: false }).first().click();
    }
    await this.#fillAll(advanced);
    if (protocol !== undefined) await this.byId('protocol-input').selectOption(protocol);
  }

  /** @param {Record<string, string | undefined>} values by test id */
  async #fillAll(values) {
    for (const [id, value] of Object.entries(values)) {
      if (value !== undefined) await this.byId(id).fill(value);
    }
  }

  /**
   * Waits for the connection's state.
   * @param {'offline' | 'connecting' | 'online' | 'error'} state
   * @param {number} [timeout]
   */
  async waitForStatus(state, timeout = PATIENCE) {
    await this.page.locator(`[data-testid="status"][data-state="${state}"]`).waitFor({ state: 'attached', timeout });
  }

  /** Waits until the room is no longer online. */
  async waitUntilNotOnline() {
    await this.page.locator('[data-testid="status"]:not([data-state="online"])').waitFor({ state: 'attached', timeout: PATIENCE });
  }

  /** The connection's state in words. */
  async statusText() {
    return (await this.byId('status').innerText()).trim();
  }

  /** How many bytes the broker's messages may have, if that is shown. @returns {Promise<number | undefined>} */
  async limit() {
    const notice = this.byId('limit');
    if ((await notice.count()) === 0) return undefined;
    // The number in the words, whichever way its thousands are grouped.
    return Number(/\d[\d,.\u202f ]*\d/.exec(await notice.innerText())?.[0].replaceAll(/\D/g, ''));
  }

  /**
   * Waits until a device of this name is in the room.
   * @param {string} name
   */
  async waitForPeer(name) {
    await this.#peer(name).waitFor({ timeout: PATIENCE });
  }

  /**
   * Waits until no device of this name is in the room.
   * @param {string} name
   * @param {number} [timeout]
   */
  async waitForPeerGone(name, timeout = PATIENCE) {
    await this.#peer(name).waitFor({ state: 'detached', timeout });
  }

  /** @param {string} name */
  #peer(name) {
    return this.page.locator(`[data-testid="peer"][data-name=${JSON.stringify(name)}]`);
  }

  /**
   * A person of this name.
   * @param {string} name
   */
  person(name) {
    return this.page.locator(`[data-testid="person"][data-name=${JSON.stringify(name)}]`);
  }

  /**
   * Waits until a person of this name is here, or away; those that are away are shown on demand.
   * @param {string} name
   * @param {'here' | 'away'} state
   */
  async waitForPersonState(name, state) {
    await this.person(name).and(this.page.locator(`[data-state="${state}"]`)).waitFor({ timeout: PATIENCE });
  }

  /**
   * Sends the next things to a person who is here, and nobody else.
   * @param {string} name
   */
  async sendTo(name) {
    await this.person(name).getByTestId('send-to').click();
    await this.page.locator('[data-testid="audience"]:not([data-to="room"])').waitFor({ timeout: PATIENCE });
  }

  /**
   * Chooses in the composer to whom the next things go; by name, as it is shown there.
   * @param {string} name
   */
  async chooseAudience(name) {
    const choice = this.byId('audience-choice');
    const option = choice.locator('option').filter({ hasText: name });
    await choice.selectOption((await option.getAttribute('value')) ?? '');
  }

  /**
   * Hears nothing more of a person of this name.
   * @param {string} name
   */
  async mute(name) {
    await this.person(name).getByTestId('mute').click();
    await this.person(name).locator('[data-testid="mute"][aria-pressed="true"]').waitFor({ timeout: PATIENCE });
  }

  /**
   * Waits until this many other devices are in the room, and no more.
   * @param {number} count
   */
  async waitForPeers(count) {
    await this.byId('peer')
      .nth(count - 1)
      .waitFor({ timeout: PATIENCE });
    assert.equal(await this.peerCount(), count);
  }

  /** How many other devices are in the room. */
  peerCount() {
    return this.byId('peer').count();
  }

  /**
   * Sends files: paths, or names with content.
   * @param {string[] | { name: string, mimeType: string, buffer: Buffer }[]} files
   * @returns {Promise<Transfer>}
   */
  async sendFiles(files) {
    return this.newTransfer(() => this.byId('send-files').setInputFiles(files));
  }

  /**
   * Sends a folder with everything below it.
   * @param {string} path
   * @returns {Promise<Transfer>}
   */
  async sendFolder(path) {
    return this.newTransfer(() => this.byId('send-folder').setInputFiles(path));
  }

  /**
   * Sends a text.
   * @param {string} text
   * @returns {Promise<Transfer>}
   */
  async sendText(text) {
    return this.newTransfer(async () => {
      await this.byId('send-text').fill(text);
      await this.byId('send-text-submit').click();
    });
  }

  /**
   * Does something that sends, and finds the transfer that came of it.
   * @param {() => Promise<unknown>} act what starts exactly one transfer
   * @returns {Promise<Transfer>}
   */
  async newTransfer(act) {
    const before = await this.parcels('out');
    await act();
    const known = before.map((parcel) => `:not([data-parcel="${parcel}"])`).join('');
    const added = this.page.locator(`[data-testid="transfer"][data-direction="out"]${known}`).first();
    await added.waitFor({ timeout: PATIENCE });
    const parcel = await added.getAttribute('data-parcel');
    assert.ok(parcel, 'a transfer has its parcel id');
    return new Transfer(this.page, parcel);
  }

  /**
   * The ids of the parcels on the list.
   * @param {'in' | 'out'} direction
   * @returns {Promise<string[]>}
   */
  parcels(direction) {
    return this.page
      .locator(`[data-testid="transfer"][data-direction="${direction}"]`)
      .evaluateAll((all) => all.map((one) => one.getAttribute('data-parcel') ?? ''));
  }

  /**
   * Waits until so many transfers are listed and every one of them is in its middle at the same time.
   * @param {number} count
   */
  async waitForAllInTheMiddle(count) {
    await this.page.waitForFunction(
      (wanted) => {
        const cards = [...document.querySelectorAll('[data-testid="transfer"]')];
        const moving = cards.filter((card) => {
          const bytes = Number(card.getAttribute('data-bytes'));
          return card.getAttribute('data-state') === 'active' && bytes > 0 && bytes < Number(card.getAttribute('data-total'));
        });
        return cards.length === wanted && moving.length === wanted;
      },
      count,
      { timeout: PATIENCE },
    );
  }

  /**
   * The devices shown.
   * @returns {Promise<{ name: string, device: string }[]>}
   */
  peers() {
    return this.byId('peer').evaluateAll((rows) =>
      rows.map((row) => ({ name: row.getAttribute('data-name') ?? '', device: row.getAttribute('data-device') ?? '' })),
    );
  }

  /**
   * The other side of a transfer, here, once it is on the list.
   * @param {{ parcel: string }} other
   * @returns {Promise<Transfer>}
   */
  async incoming({ parcel }) {
    const transfer = new Transfer(this.page, parcel);
    await transfer.root.waitFor({ timeout: PATIENCE });
    return transfer;
  }
}
