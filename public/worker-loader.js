// Starts the engine in its Web Worker. The query names the app's build and is handed on, so that
// no cache can pair one build's app with another one's engine.
const build = new URL(import.meta.url).search;

// Errors reach the page's window as they are; of rejected promises it would not hear.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  reportError(event.reason);
});

const { default: init } = await import(`./worker.js${build}`);
await init({ module_or_path: new URL(`worker_bg.wasm${build}`, import.meta.url) });
