// Starts the engine in its Web Worker, and in another one the thread that has its WebSocket. The
// query names the app's script and module, which have these as well.
const { searchParams } = new URL(import.meta.url);
const part = (name) => {
  const url = new URL(searchParams.get(name), import.meta.url);
  // Workers do not have their page's Content-Security-Policy.
  if (url.origin !== self.location.origin) throw new Error(`${url} is not this site's`);
  return url;
};

// Errors reach the page's window as they are; of rejected promises it would not hear.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  reportError(event.reason);
});

// The second one is sent what the first one has compiled.
const isSocket = self.name === "socket";
const compiled = isSocket
  ? await new Promise((resolve, reject) => {
      addEventListener("message", ({ data }) => resolve(data), { once: true });
      addEventListener("messageerror", () => reject(new Error("the compiled engine did not arrive")), { once: true });
    })
  : part("wasm");

const { default: init, run_engine, run_socket } = await import(part("js"));
await init({ module_or_path: compiled });
if (isSocket) run_socket();
else run_engine();
