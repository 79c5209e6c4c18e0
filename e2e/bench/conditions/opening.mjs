// From opening a link that joins at once to being online, with everything in the browser's cache.

import { linkTo } from '../../lib/room.mjs';
import { KEY, ONLINE } from '../app.mjs';
import { median } from '../report.mjs';

/** @type {import('../conditions.mjs').Measure} */
export async function opening(course, { rounds }) {
  // The first one fills the cache, and the browser's user agrees to what the link does.
  const first = await course.sender.open(link(course));
  await first.click('[data-testid="auto-confirm"]');
  await first.waitFor(ONLINE);
  await first.close();
  const times = [];
  for (let round = 0; round < rounds; round += 1) times.push(await secondsToOnline(course));
  return { rows: [{ condition: 'from opening a link to being online, warm cache', seen: `${median(times).toFixed(2)} s`, target: '–' }] };
}

/** @param {import('../app.mjs').Course} course */
async function secondsToOnline(course) {
  const window = await course.sender.open(link(course), tellWhenOnline);
  await window.waitFor(ONLINE);
  const milliseconds = await window.evaluate(() => /** @type {Promise<number>} */ (/** @type {any} */ (window).online));
  await window.close();
  return milliseconds / 1000;
}

/** @param {import('../app.mjs').Course} course */
function link({ station }) {
  return linkTo(station.origin, { key: KEY, name: 'Ada', auto: true });
}

/** In the page, before anything else: notes when it is online, in milliseconds since the navigation began. */
function tellWhenOnline() {
  const online = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector('[data-testid="status"][data-state="online"]')) return;
      observer.disconnect();
      resolve(performance.now());
    });
    observer.observe(document, { subtree: true, childList: true, attributeFilter: ['data-state'] });
  });
  Object.assign(window, { online });
}
