// What everybody has to see and notice: in forced colours, with large text, from right to left, by
// keyboard, with the list scrolled away, and from another tab.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { KIB } from '../lib/files.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

const site = process.env.MQDROP_SITE ?? fileURLToPath(new URL('../../dist', import.meta.url));

/** A phone's screen. */
const PHONE = { width: 390, height: 844 };

/** A name that is written from right to left. */
const RIGHT_TO_LEFT = 'נועה';

scenario('an offer is in sight wherever the list is, also from another tab, and the keyboard keeps its place', async (stage) => {
  const sender = await stage.join('Ada');
  const { page, ...phone } = await onPhone(stage, 'Bo');
  await sender.waitForPeer('Bo');
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'setAppBadge', {
      value: async (/** @type {number} */ count) => void (document.documentElement.dataset.badge = `${count}`),
    });
  });
  for (let text = 0; text < 5; text += 1) await sender.sendText(`${text}\n`.repeat(12));
  await page.getByTestId('transfer').nth(4).getByTestId('transfer-text').waitFor();

  // An offer comes while its place in the list is not seen.
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await show(page, 'hidden');
  const first = await stage.file('first.bin', KIB);
  const offered = await phone.room.incoming(await sender.sendFiles([first.path]));
  await page.waitForFunction(() => /^\(1\) Ada wants to send you first\.bin – mqdrop$/.test(document.title));
  await page.locator('html[data-badge="1"]').waitFor();
  await show(page, 'visible');
  await page.waitForFunction(() => document.title === 'mqdrop');
  await page.locator('html[data-badge="0"]').waitFor();

  await page.locator('[data-testid=request][data-pinned=true]').waitFor();
  const pinned = await page.evaluate(() => {
    const bounds = document.querySelector('[data-testid=request]')?.getBoundingClientRect();
    const accept = document.querySelector('[data-testid=request] [data-testid=accept]')?.getBoundingClientRect();
    return { top: bounds?.top, bottom: accept?.bottom, height: innerHeight, scrolled: scrollY };
  });
  assert.equal(pinned.top, 0);
  assert.ok(pinned.scrolled > 400 && Number(pinned.bottom) < pinned.height / 2, JSON.stringify(pinned));
  assert.equal(await page.getByTestId('accept').count(), 1, 'its buttons are there once');

  // The keyboard's place: the card after Accept, the card beside it after Remove.
  await page.getByTestId('accept').focus();
  await page.keyboard.press('Enter');
  await offered.waitForState('done');
  assert.equal(await page.getByTestId('request').count(), 0);
  assert.equal(await focused(page), `transfer ${offered.parcel}`);
  await offered.byId('remove').focus();
  await page.keyboard.press('Enter');
  await offered.root.waitFor({ state: 'detached' });
  assert.match(await focused(page), /^transfer (?!undefined)/);
  await page.getByTestId('mute').focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=mute][aria-pressed=true]').waitFor();
  assert.equal(await focused(page), 'mute');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=mute][aria-pressed=false]').waitFor();

  // What ends while nobody looks.
  await phone.room.byId('auto-accept').check();
  await show(page, 'hidden');
  const second = await stage.file('second.bin', KIB);
  await sender.sendFiles([second.path]);
  await page.waitForFunction(() => /^\(1\) Received second\.bin – mqdrop$/.test(document.title));
  await show(page, 'visible');
  await page.waitForFunction(() => document.title === 'mqdrop');
});

scenario('what is wrong with the form stands in sight below its field, which has the focus', async (stage) => {
  const { page } = await stage.open('Ada', {}, { options: { viewport: { width: 390, height: 500 } } });
  await page.getByText('Advanced').click();
  await page.getByTestId('prefix-input').fill('Not/Allowed#');
  await page.getByTestId('join').click();
  for (const [field, value] of [['key', KEY], ['prefix', 'team']]) {
    const error = page.locator(`#${field}-error`).getByTestId('error');
    await error.waitFor();
    assert.equal(await page.getByTestId('error').count(), 1);
    const place = await page.evaluate((id) => {
      const [input, words] = [document.getElementById(id), document.getElementById(`${id}-error`)];
      const [above, below] = [input?.getBoundingClientRect(), words?.getBoundingClientRect()];
      return {
        focus: document.activeElement?.id,
        described: input?.getAttribute('aria-describedby')?.split(' ')[0],
        inSight: Number(above?.top) >= 0 && Number(below?.bottom) <= innerHeight,
        below: Number(below?.top) >= Number(above?.bottom),
      };
    }, field);
    assert.deepEqual(place, { focus: field, described: `${field}-error`, inSight: true, below: true });
    await page.locator(`#${field}`).fill(value);
    await error.waitFor({ state: 'detached' });
    await page.getByTestId('join').click();
  }
  await page.locator('[data-testid="status"][data-state="online"]').waitFor({ state: 'attached' });
});

scenario('forced colours, large text and writing from right to left', async (stage) => {
  const sender = await stage.join('Ada');
  const { page, room } = await onPhone(stage, RIGHT_TO_LEFT);
  await sender.waitForPeer(RIGHT_TO_LEFT);
  const long = `holiday-${'pictures-'.repeat(20)}2026.tar.gz`;
  const sent = await sender.sendFiles([(await stage.file(long, 64 * KIB)).path]);
  await sent.waitForReceiver(RIGHT_TO_LEFT, 'offered');
  const received = await room.incoming(sent);
  const title = received.byId('transfer-title');
  assert.equal((await title.textContent())?.trim(), long, 'all of the name is in the page');
  assert.ok(await isWhole(title), 'and its end is in sight');

  // A name in another direction begins where all names begin, and its state stands apart from it.
  const row = await sent.byId('receiver').evaluate((row) => {
    const [name, state] = [...row.children].map((part) => part.getBoundingClientRect());
    const all = row.getBoundingClientRect();
    return { name: name.left - all.left, state: all.right - state.right };
  });
  assert.deepEqual(row, { name: 0, state: 0 });
  await page.evaluate(() => void (document.documentElement.dir = 'rtl'));
  await assertFits(page, 'from right to left');
  await page.evaluate(() => document.documentElement.removeAttribute('dir'));

  const devtools = await page.context().newCDPSession(page);
  for (const size of [24, 32]) {
    await devtools.send('Page.setFontSizes', { fontSizes: { standard: size, fixed: size } });
    await page.waitForFunction((size) => getComputedStyle(document.body).fontSize === `${size}px`, size);
    await assertFits(page, `an offer at ${size} px`);
    assert.ok(await isWhole(title), `the end of its name is in sight at ${size} px`);
  }
  await received.press('accept');
  await received.waitForState('done');
  await assertFits(page, 'a received file at 32 px');
  await page.getByTestId('share').click();
  await page.getByTestId('share-qr').waitFor();
  await assertFits(page, 'the invite at 32 px');

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ forcedColors: 'active', colorScheme });
    const colours = await page.evaluate(() => {
      /** @param {string} selector */
      const ground = (selector) => getComputedStyle(/** @type {Element} */ (document.querySelector(selector))).backgroundColor;
      /** @param {string} selector */
      const line = (selector) => getComputedStyle(/** @type {Element} */ (document.querySelector(selector))).borderTopStyle;
      return {
        canvas: ground('body'),
        bar: ground('.progress-bar'),
        track: line('.progress'),
        dot: ground('.status-dot'),
        mute: line('[data-testid=mute]'),
      };
    });
    assert.notEqual(colours.bar, colours.canvas, 'progress is seen');
    assert.notEqual(colours.dot, colours.canvas, 'the connection is seen');
    assert.deepEqual([colours.track, colours.mute], ['solid', 'none']);
  }
  await page.getByTestId('leave').click();
  await page.getByTestId('key-input').fill('x7#kQ2!vR9$mB4&z');
  await page.locator('[data-testid=key-strength][data-level=strong]').waitFor();
  const [bar, canvas] = await page.evaluate(() =>
    ['.strength-bars i', 'body'].map((selector) => getComputedStyle(/** @type {Element} */ (document.querySelector(selector))).backgroundColor),
  );
  assert.notEqual(bar, canvas, 'how good a key is is seen');
  await assertFits(page, 'the form at 32 px');
});

scenario('links of a text can be followed, on plain http it can be copied, and its notice is short', async (stage) => {
  const origin = `http://${INSECURE_HOST}:${stage.station.port}`;
  const sender = await stage.join('Ada');
  const receiver = await stage.join('Bo', {}, { origin });
  const { page } = receiver;
  await sender.waitForPeer('Bo');
  const words = 'See https://a.example/b?c#d, not javascript:alert(1)\n<a href="https://e.example">f</a>';
  const text = await receiver.incoming(await sender.sendText(words));
  const shown = text.byId('transfer-text');
  await shown.waitFor();
  assert.equal(await shown.textContent(), words);
  const links = await text.byId('text-link').evaluateAll((all) =>
    all.map((link) => ['href', 'target', 'rel'].map((name) => link.getAttribute(name))),
  );
  assert.deepEqual(links, ['https://a.example/b?c#d', 'https://e.example'].map((href) => [href, '_blank', 'noopener noreferrer']));

  await text.byId('copy').click();
  await text.byId('copy').getByText('Copied').waitFor();
  await page.getByTestId('send-text').focus();
  await page.keyboard.press('Control+V');
  assert.equal(await page.getByTestId('send-text').inputValue(), words);

  const notice = page.locator('.notice', { has: page.getByTestId('storage-notice') });
  const { height } = (await notice.boundingBox()) ?? { height: Infinity };
  assert.ok(height < 100, `the notice is ${height} high`);
  await notice.getByRole('button', { name: 'Dismiss' }).click();
  await notice.waitFor({ state: 'detached' });
});

scenario('a site that does not deliver its scripts as such says so', async (stage) => {
  /** How it serves its scripts. @type {Record<string, (name: string) => string>} */
  const faults = {
    'no script at all': () => 'text/plain',
    'not the app': (name) => (name.startsWith('app') ? 'text/plain' : 'text/javascript'),
  };
  for (const [fault, typeOf] of Object.entries(faults)) {
    const host = await stage.use(serve(typeOf));
    const page = await stage.browser.newPage({ reducedMotion: 'reduce' });
    await page.goto(host.origin);
    if (fault === 'not the app') {
      await page.getByText(/could not start.*delivers app\S*\.js as text\/plain/).waitFor();
    } else {
      const late = page.getByText('This takes longer than usual');
      await late.waitFor({ state: 'hidden' });
      // Nobody waits for it here.
      await page.evaluate(() => document.getAnimations().forEach((animation) => animation.finish()));
      await late.waitFor();
    }
    await page.close();
  }
});

/**
 * @param {import('../lib/scenario.mjs').Stage} stage
 * @param {string} name
 */
async function onPhone(stage, name) {
  const room = await stage.join(name, {}, { options: { viewport: PHONE } });
  return { room, page: room.page };
}

/**
 * Has the page believe that it can be seen, or not.
 * @param {import('playwright-core').Page} page
 * @param {'visible' | 'hidden'} state
 */
async function show(page, state) {
  await page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, state);
}

/**
 * What has the focus, once it is not the page.
 * @param {import('playwright-core').Page} page
 */
async function focused(page) {
  await page.waitForFunction(() => document.activeElement !== document.body);
  return page.evaluate(() => {
    const { testid, parcel } = /** @type {HTMLElement} */ (document.activeElement).dataset;
    return testid === 'transfer' ? `transfer ${parcel}` : `${testid}`;
  });
}

/**
 * Nothing of an element's text is cut off.
 * @param {import('playwright-core').Locator} element
 */
function isWhole(element) {
  return element.evaluate((shown) => shown.scrollHeight <= shown.clientHeight);
}

/**
 * Nothing reaches beyond the screen.
 * @param {import('playwright-core').Page} page
 * @param {string} screen
 */
async function assertFits(page, screen) {
  const beyond = await page.evaluate(() => {
    const shown = [...document.body.querySelectorAll('*')].filter((each) => each.checkVisibility() && each.clientWidth > 1);
    return shown
      .map((each) => ({ each, bounds: each.getBoundingClientRect() }))
      .filter(({ bounds }) => bounds.left < -1 || bounds.right > document.documentElement.clientWidth + 1)
      .map(({ each, bounds }) => `${each.tagName}.${each.className} ${bounds.left} to ${bounds.right}`);
  });
  assert.deepEqual(beyond, [], screen);
}

/**
 * Serves the built site as a host does that believes no ending of a name.
 * @param {(name: string) => string} typeOf
 */
async function serve(typeOf) {
  const server = createServer(async (request, response) => {
    const name = new URL(request.url ?? '/', 'http://host').pathname.slice(1) || 'index.html';
    const types = { '.html': 'text/html', '.css': 'text/css', '.wasm': 'application/wasm' };
    const type = extname(name) === '.js' ? typeOf(name) : Object(types)[extname(name)] ?? 'application/octet-stream';
    const body = await readFile(join(site, name)).catch(() => undefined);
    response.writeHead(body ? 200 : 404, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}/`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
