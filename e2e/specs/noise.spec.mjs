// The tests' own alarm: what a page or its worker complains about is heard, and fails a test.

import assert from 'node:assert/strict';
import { freePort } from '../lib/processes.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('errors, warnings and violations of page and worker are collected', async (stage) => {
  const room = await stage.join('Ada');
  const noise = stage.noiseOf('Ada');
  stage.assertQuiet();

  await room.page.evaluate(() => {
    console.error('provoked: page error');
    console.warn('provoked: page warning');
    setTimeout(() => {
      throw new Error('provoked: page exception');
    });
    // The policy allows no such connection.
    fetch('http://example.invalid/provoked').catch(() => {});
  });
  const port = await freePort();
  const expected = [
    /provoked: page error/,
    /provoked: page warning/,
    /provoked: page exception/,
    /example\.invalid.*violates .* Content Security Policy/,
  ];
  for (const which of /** @type {const} */ (['engine', 'socket'])) {
    const worker = await room.worker(which);
    await worker.evaluate(({ which, port }) => {
      console.error(`provoked: ${which} error`);
      console.warn(`provoked: ${which} warning`);
      new WebSocket(`ws://127.0.0.1:${port}/${which}`);
    }, { which, port });
    const refused = new RegExp(`worker error: WebSocket connection to 'ws://127\\.0\\.0\\.1:${port}/${which}' failed`);
    // An exception may end the worker, and what it would still have said is lost.
    await noise.waitFor(refused);
    await worker.evaluate((which) => {
      setTimeout(() => {
        throw new Error(`provoked: ${which} exception`);
      });
    }, which);
    expected.push(refused, ...['error', 'warning', 'exception'].map((what) => new RegExp(`provoked: ${which} ${what}`)));
  }
  for (const pattern of expected) await noise.waitFor(pattern);
  assert.throws(() => stage.assertQuiet(), /the window Ada complains/);
  stage.expectNoise(...expected, /example\.invalid/);
});

scenario("a worker's violation of its policy is collected", async (stage) => {
  const room = await stage.open('Ada');
  // A worker has the policy that its script came with, not the page's.
  await room.page.route('**/provoked.js', (route) => route.fulfill({
    headers: { 'content-type': 'text/javascript', 'content-security-policy': "default-src 'none'" },
    body: "fetch('/provoked').catch(() => {});",
  }));
  await room.page.evaluate(() => void new Worker('./provoked.js'));
  await stage.noiseOf('Ada').waitFor(/^worker error: .*violates .* Content Security Policy.*provoked\.js/);
  assert.throws(() => stage.assertQuiet(), /the window Ada complains/);
  stage.expectNoise(/Content Security Policy/);
});
