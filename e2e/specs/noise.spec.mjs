// The tests' own alarm: what a page or its worker complains about is heard, and fails a test.

import assert from 'node:assert/strict';
import { freePort } from '../lib/processes.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('errors, warnings and violations of page and worker are collected', async (stage) => {
  const room = await stage.join('Ada');
  const noise = stage.noiseOf('Ada');
  stage.assertQuiet();
  const [worker, ...others] = room.page.workers();
  assert.ok(worker && others.length === 0, 'the engine runs in one worker');

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
  await worker.evaluate((closed) => {
    console.error('provoked: worker error');
    console.warn('provoked: worker warning');
    setTimeout(() => {
      throw new Error('provoked: worker exception');
    });
    new WebSocket(`ws://127.0.0.1:${closed}/provoked`);
  }, port);

  const expected = [
    /provoked: page error/,
    /provoked: page warning/,
    /provoked: page exception/,
    /example\.invalid.*violates .* Content Security Policy/,
    /provoked: worker error/,
    /provoked: worker warning/,
    /provoked: worker exception/,
    new RegExp(`worker error: WebSocket connection to 'ws://127\\.0\\.0\\.1:${port}/provoked' failed`),
  ];
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
