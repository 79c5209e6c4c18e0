// The log that a person puts into a bug report.

import assert from 'node:assert/strict';
import { KIB } from '../lib/files.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

scenario('a report for a bug says what was done and names nobody', async (stage) => {
  const sender = await stage.join('Ada');
  const receiver = await stage.join('Bo');
  await sender.waitForPeer('Bo');
  const file = await stage.file('holiday.bin', KIB);
  const received = await receiver.incoming(await sender.sendFiles([file.path]));
  await received.press('accept');
  await received.waitForState('done');

  const { page } = receiver;
  await page.getByTestId('report').click();
  const text = await page.getByTestId('report-text').innerText();
  assert.match(text, /^mqdrop \d+\.\d+\.\d+\n.*Chrom.*\nsecure_context=true storage=opfs\nconnections=1 opened=1 /);
  for (const part of [/ status state=online protocol=MQTT_5/, / peers number=1/, / transfer parcel=\w+ state=done bytes=1024 of=1024 /]) {
    assert.match(text, part);
  }
  for (const secret of [KEY, 'holiday', 'Ada', 'Bo\n', '127.0.0.1', 'localhost']) assert.ok(!text.includes(secret), secret);

  await page.getByTestId('report').click();
  await page.getByTestId('report-text').waitFor({ state: 'detached' });
});
