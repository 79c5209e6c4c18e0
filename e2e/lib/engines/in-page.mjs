// Functions that run in the page: each is sent as its source and can use nothing outside itself.

/**
 * Waits until a condition returns something, and returns that.
 * @template T
 * @param {() => T} condition looked at whenever the page changes, and now and then
 * @param {number} timeout in milliseconds
 * @returns {Promise<{ found: boolean, value?: T }>}
 */
export function waitFor(condition, timeout) {
  return new Promise((resolve, reject) => {
    const observer = new MutationObserver(look);
    const often = setInterval(look, 100);
    const end = setTimeout(() => finish({ found: false }), timeout);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();

    function look() {
      try {
        const value = condition();
        if (value) finish({ found: true, value });
      } catch (error) {
        reject(error);
        finish({ found: false });
      }
    }

    /** @param {{ found: boolean, value?: T }} result */
    function finish(result) {
      observer.disconnect();
      clearInterval(often);
      clearTimeout(end);
      resolve(result);
    }
  });
}

/**
 * Whether the element that matches is there as wanted; more than one is a mistake of the test.
 * @param {string} selector
 * @param {string} state
 */
export function isIn(selector, state) {
  const [element, ...others] = document.querySelectorAll(selector);
  if (state === 'detached') return !element;
  if (others.length > 0) throw new Error(`${others.length + 1} elements match ${selector}`);
  if (!element) return false;
  if (state === 'attached') return true;
  const { width, height } = element.getBoundingClientRect();
  const visible = width > 0 && height > 0 && getComputedStyle(element).visibility === 'visible';
  if (state === 'visible' || !visible) return visible;
  // What lies above it would be clicked instead.
  element.scrollIntoView({ block: 'center' });
  const box = element.getBoundingClientRect();
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return !element.matches(':disabled') && element.contains(hit);
}

/**
 * Empties a field as a person does: select all, delete.
 * @param {string} selector
 */
export function empty(selector) {
  const field = /** @type {HTMLInputElement} */ (document.querySelector(selector));
  field.focus();
  field.select();
  if (field.value) document.execCommand('delete');
}

/**
 * Whether a field holds a text.
 * @param {readonly [string, string]} wanted selector and text
 */
export function hasValue([selector, text]) {
  return /** @type {HTMLInputElement} */ (document.querySelector(selector)).value === text;
}

/**
 * Enters a text at the cursor at once, as an input method or a keyboard's emoji panel does.
 * @param {string} text
 */
export function insert(text) {
  document.execCommand('insertText', false, text);
}

/** Begins to listen to what goes wrong in the page; `heard` tells. */
export function listen() {
  /** @type {string[]} */
  const lines = (/** @type {any} */ (window).heardByTest = []);
  for (const level of /** @type {const} */ (['error', 'warn'])) {
    const original = console[level];
    console[level] = (...words) => {
      lines.push(`${level}: ${words.join(' ')}`);
      original(...words);
    };
  }
  addEventListener('error', (event) => {
    lines.push(`exception: ${event.message}\n${event.error?.stack ?? ''}`);
  });
  addEventListener('unhandledrejection', ({ reason }) => {
    lines.push(`rejection: ${reason}\n${reason?.stack ?? ''}`);
  });
  document.addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) => {
    lines.push(`error: ${blockedURI} violates ${violatedDirective}`);
  });
}

/** What was heard since the last time. @returns {string[]} */
export function heard() {
  return /** @type {any} */ (window).heardByTest?.splice(0) ?? [];
}
