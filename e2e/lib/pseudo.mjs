// Languages that nobody speaks, made of English: what is shown in none of them is no message.

import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStaticHost } from './static-host.mjs';

const site = process.env.MQDROP_SITE ?? fileURLToPath(new URL('../../dist', import.meta.url));

/** Around every message. */
const [OPEN, CLOSE] = ['⟦', '⟧'];

/** A language: how it writes a letter, and in which direction. @typedef {{ letter: (letter: string) => string, direction: string }} Pseudo */

/** Latin letters with accents, as long as German or Finnish: every vowel twice. @type {Pseudo} */
const ACCENTED = {
  letter: (letter) => `${letter}\u0301`.normalize('NFC').repeat(/[aeiouy]/i.test(letter) ? 2 : 1),
  direction: 'ltr',
};

const ARABIC = 'ابتثجحخدذرزسشصضطظعغفقكلمنهوي';

/** Arabic letters, which run from right to left. @type {Pseudo} */
const ARABIC_LETTERS = {
  letter: (letter) => ARABIC[letter.toLowerCase().charCodeAt(0) - 97],
  direction: 'rtl',
};

/** By code. @type {Record<string, Pseudo>} */
const LANGUAGES = { 'en-XA': ACCENTED, 'ar-XB': ARABIC_LETTERS };

/**
 * A language's file, from English's.
 * @param {string} english
 * @param {Pseudo} language
 */
function translated(english, { letter, direction }) {
  const [version, ...lines] = english.trimEnd().split('\n');
  /** @param {string} text */
  const message = (text) => OPEN + text.replaceAll(/\{\d+\}|[a-z]/gi, (part) => (part.length > 1 ? part : letter(part))) + CLOSE;
  const translate = (/** @type {string} */ line) => {
    if (line === 'ltr') return direction;
    if (!line.startsWith('\u001e')) return message(line);
    // A form for each plural category, behind its name.
    const forms = line.slice(1).split('\u001e');
    return forms.map((form) => form.replace(/^(\w+)\u001f(.*)$/, (_, category, text) => `\u001e${category}\u001f${message(text)}`)).join('');
  };
  return `${[version, ...lines.map(translate)].join('\n')}\n`;
}

/**
 * Serves the site with these languages beside English.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {(code: string, text: string) => string | undefined} [change] what becomes of a language's file
 * @returns {Promise<string>} its origin
 */
export async function siteWithLanguages(stage, change = (_, text) => text) {
  const folder = join(await stage.folder(), 'site');
  await cp(site, folder, { recursive: true });
  const english = await readFile(join(site, 'lang/en.txt'), 'utf8');
  await mkdir(join(folder, 'lang'), { recursive: true });
  for (const [code, language] of Object.entries(LANGUAGES)) {
    const text = change(code, translated(english, language));
    if (text !== undefined) await writeFile(join(folder, 'lang', `${code}.txt`), text);
  }
  const page = join(folder, 'index.html');
  const list = ['en English', ...Object.keys(LANGUAGES).map((code) => `${code} ${OPEN}${code}${CLOSE}`)].join(', ');
  const before = await readFile(page, 'utf8');
  await writeFile(page, before.replace(/(name="mqdrop-languages" content=")[^"]*/, `$1${list}`));
  const { origin } = await stage.use(startStaticHost(folder));
  return origin;
}

/** What stands outside of messages by right: names of programs and standards, addresses, hashes. */
const NO_WORDS = [/\bmqdrop(\/1)?\b/g, /\bMQTT [\d.]+/g, /\bwss?:\/\/\S+/g, /\bhttp:\/\/\S+/g, /\bBLAKE3 [0-9a-f]+/g, /\bEnglish\b/g];

/** What holds no sentence: the first letters of names, and the log for a bug report, which is English everywhere. */
const NAMES = ['.avatar', '[data-testid=report-text]'];

/**
 * Words that a page shows, or tells screen readers, outside of messages.
 * @param {import('playwright-core').Page} page
 * @param {string[]} names that people and files have
 * @returns {Promise<string[]>}
 */
export async function wordsOutside(page, names) {
  const told = await page.evaluate((without) => {
    /** @type {string[]} */
    const told = [document.title];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    // A sentence may have a button in its middle: all of them are one text, in their order.
    let all = '';
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const around = text.parentElement;
      const isName = without.some((selector) => around?.closest(selector));
      if (around && !isName && !around.closest('script, noscript')) all += `${text.textContent}\n`;
    }
    told.push(all);
    for (const element of document.body.querySelectorAll('*')) {
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) told.push(element.getAttribute(name) ?? '');
    }
    return told;
  }, NAMES);
  return told.flatMap((text) => {
    let rest = outside(text);
    for (const name of names) rest = rest.replaceAll(name, '');
    for (const pattern of NO_WORDS) rest = rest.replaceAll(pattern, '');
    return rest.match(/\p{L}[^\n]*/gu) ?? [];
  });
}

/**
 * A text without what stands in brackets.
 * @param {string} text
 */
function outside(text) {
  let depth = 0;
  let rest = '';
  for (const letter of text) {
    if (letter === OPEN) depth += 1;
    if (depth === 0) rest += letter;
    if (letter === CLOSE) depth -= 1;
  }
  return depth === 0 ? rest : `brackets do not match in ${text}`;
}
