// Whether a page fits a phone.

import assert from 'node:assert/strict';

/** What a finger hits, in CSS pixels: WCAG 2.2, success criterion 2.5.8. */
const TARGET = 24;

/** What text fields have at least, in CSS pixels: below, phones zoom in when one is tapped. */
const FIELD_TEXT = 16;

/**
 * Nothing is wider than the screen, no button smaller than a finger, no field with small text.
 * @param {import('./room.mjs').Room} room
 */
export async function isFit({ page }) {
  const width = page.viewportSize()?.width;
  const { inner, problems } = await page.evaluate(({ target, text }) => {
    /** @type {string[]} */
    const problems = [];
    /** @param {Element} element */
    const nameOf = (element) => element.getAttribute('data-testid') ?? `${element.tagName} ${element.textContent?.trim()}`;
    // What is only there for screen readers and scripts is one pixel large, and clipped.
    const shown = [...document.body.querySelectorAll('*')].filter((each) => each.checkVisibility() && each.clientWidth > 1);
    for (const element of shown) {
      const { left, right, width, height } = element.getBoundingClientRect();
      if (left < 0 || right > innerWidth) problems.push(`${nameOf(element)} reaches from ${left} to ${right}`);
      // Those in a sentence are as high as its line (the criterion's exception *Inline*).
      if (element.matches('button:not(.link), select, summary, textarea, label.button, input:not([type=file], [type=checkbox])')) {
        if (width < target || height < target) problems.push(`${nameOf(element)} is ${width} by ${height}`);
      }
      if (element.matches('select, textarea, input:not([type=file], [type=checkbox])')) {
        const size = Number.parseFloat(getComputedStyle(element).fontSize);
        if (size < text) problems.push(`${nameOf(element)} has text of ${size}`);
      }
    }
    return { inner: innerWidth, problems };
  }, { target: TARGET, text: FIELD_TEXT });
  // A phone makes a page that is too wide fit by showing it smaller.
  assert.equal(inner, width, 'the page is as wide as the screen');
  assert.deepEqual(problems, []);
}
