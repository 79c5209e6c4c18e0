// Starts the app. A file of its own, as the page's Content-Security-Policy forbids inline scripts.
const loading = document.getElementById("loading");

// A site that shows this one inside its own could take clicks that are not meant for it. Hosts that
// send no frame-ancestors let it.
const framed = window.top === window ? "" : "mqdrop does not run inside another page. Open it in a window of its own.";

// What this tab received before it was loaded anew is not left: other tabs are not to inherit it,
// however long it takes here until the engine takes it up (src/worker/store/folders.rs).
try {
  const folder = sessionStorage.getItem("mqdrop.folder");
  if (folder) navigator.locks.request(`mqdrop/${folder}/page`, { mode: "shared" }, () => new Promise(() => {})).catch(() => {});
} catch {
  // Without such storage or locks nothing is kept.
}

// The app's script and module.
const app = document.querySelector('meta[name="mqdrop-app"]');

// What only the form and the invite need is loaded for them; wasm cannot import modules. With another
// app it has another address, for caches; and after a failure, as some browsers remember that a
// module was not to be had.
let extras;
let tries = 0;
globalThis.loadExtras = () =>
  (extras ??= Promise.race([importExtras(), patience(20_000)]).catch((error) => {
    extras = undefined;
    throw error;
  }));

function patience(milliseconds) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("it takes too long")), milliseconds));
}

async function importExtras() {
  const query = `?app=${encodeURIComponent(app.dataset.js)}&try=${tries++}`;
  const module = await import(new URL(`extras.js${query}`, document.baseURI));
  await module.default({ module_or_path: new URL(`extras_bg.wasm${query}`, document.baseURI) });
  return module;
}

// The languages that the site has, as pairs of code and name.
const languages = (document.querySelector('meta[name="mqdrop-languages"]')?.content ?? "").split(",").map((one) => {
  const [code, ...name] = one.trim().split(" ");
  return [code, name.join(" ")];
});

// The page's language: what the link says, else what the user chose, else what the browser prefers. Only
// those count that the site has.
function language() {
  let chosen;
  try {
    chosen = localStorage.getItem("mqdrop.language");
  } catch {
    // Nothing is remembered.
  }
  const wanted = [new URLSearchParams(location.hash.slice(1)).get("lang"), chosen, ...navigator.languages];
  const same = (one, other) => one.toLowerCase() === other.toLowerCase();
  const family = (code) => code.split("-")[0];
  for (const tag of wanted) {
    const is = (how) => languages.find(([code]) => same(how(code), how(tag)));
    const found = tag && (is(String) ?? is(family));
    if (found) return found[0];
  }
  return "en";
}

// That language with its words and numbers; nothing for English, which the app has. The page is English
// as well if the words do not come soon, or the browser has no such language.
async function speech(code) {
  if (code === "en") return;
  const file = new URL(`lang/${code}.txt?app=${encodeURIComponent(app.dataset.js)}`, document.baseURI);
  const text = async () => {
    const response = await fetch(file);
    return response.ok ? response.text() : undefined;
  };
  try {
    const plurals = new Intl.PluralRules(code);
    const whole = new Intl.NumberFormat(code);
    const tenths = new Intl.NumberFormat(code, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    return {
      code,
      words: await Promise.race([text(), patience(5_000)]),
      plural: (number) => plurals.select(number),
      whole: whole.format,
      tenths: tenths.format,
    };
  } catch {
    return;
  }
}

// Offers the other languages, at the end of the page.
function offerLanguages(label, now) {
  if (languages.length < 2) return;
  const list = document.createElement("select");
  list.dataset.testid = "language";
  for (const [code, name] of languages) {
    const option = new Option(name, code, code === now, code === now);
    option.lang = code;
    list.append(option);
  }
  list.onchange = () => {
    try {
      localStorage.setItem("mqdrop.language", list.value);
    } catch {
      // Then it stays as it is.
    }
    // The app keeps what it has to keep, and loads the page anew.
    dispatchEvent(new Event("mqdrop-language"));
  };
  const footer = document.createElement("footer");
  footer.className = "bottom";
  const labelled = document.createElement("label");
  labelled.append(label, " ", list);
  footer.append(labelled);
  document.body.append(footer);
}

// Says of a file of the app that it does not come as it should; nothing if it does.
async function fault(file, type) {
  const name = file.replace(/^.*\//, "");
  try {
    const { ok, status, headers } = await fetch(new URL(file, document.baseURI));
    const sent = headers.get("content-type") ?? "no type";
    if (!ok) return `The site does not deliver ${name} (status ${status}).`;
    if (!sent.includes(type)) return `The site delivers ${name} as ${sent} instead of ${type}.`;
  } catch {
    return `${name} could not be loaded: the connection broke, or something in this browser blocks it.`;
  }
}

try {
  if (framed) throw new Error(framed);
  const { js, wasm } = app.dataset;
  const code = language();
  const speaking = speech(code);
  const { default: init, run_app } = await import(new URL(js, document.baseURI));
  await init({ module_or_path: new URL(wasm, document.baseURI) });
  offerLanguages(run_app(await speaking), code);
  loading.remove();
} catch (error) {
  if (framed) {
    loading.textContent = framed;
    throw error;
  }
  const { js, wasm } = app.dataset;
  const why =
    (await fault(js, "javascript")) ??
    // With another type it starts all the same.
    (await fault(wasm, "")) ??
    "If that does not help, update the browser: it must know WebAssembly with SIMD and modules in workers, as Chrome has since version 91, Firefox since 114 and Safari since 16.4.";
  loading.textContent = `mqdrop could not start. Reload the page. ${why}`;
  throw error;
}
