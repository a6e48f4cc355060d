// Python for the laboratory, in a worker: what runs there can take its time, and can be stopped.
// Messages in: {folder}, then {id, text}, a question as JSON; out: {done, of}, {ready}, {id, answer} or {id, error};
// {failed}: this Python can be asked no more.

const LOGGED = 200_000;  // bytes of a log, the last ones: who writes more writes without end
const queue = [];
let python;

addEventListener("message", async ({ data }) => {
  if (data.folder)
    return start(data.folder).catch((error) => postMessage({ failed: `Python did not come (${error.message})` }));
  queue.push(data);
  if (queue.length === 1) while (queue.length) (await answer(queue[0]), queue.shift());  // one after the other
});

async function start(folder) {
  const download = self.fetch.bind(self);
  let done = 0, said = 0, of = Infinity;  // bytes; how many there are is known soon

  // What has come is counted in a copy: a browser keeps a compiled module for the next visit, which saves a third of
  // the work, but only that of a response as the network gave it.
  function counted(response) {
    const write = ({ length }) => {
      done += length;
      if (done > said + of / 50) postMessage({ done: (said = done), of });
    };
    response.clone().body.pipeTo(new WritableStream({ write })).catch(() => {});  // who reads the response hears of it
    return response;
  }

  // A file that we have compressed, as it was: not every host compresses what is no text.
  async function unpacked(name, type) {
    const found = await download(`${folder}${name}.gz`);
    if (!found.ok) throw new Error(`${name} is not there (${found.status})`);
    const stream = found.body.pipeThrough(new DecompressionStream("gzip"));
    return counted(new Response(stream, { headers: { "Content-Type": type } }));
  }

  async function module(name) {
    const found = await download(folder + name);
    if (found.ok && found.headers.has("Content-Encoding")) return counted(found);
    found.body.cancel();
    return unpacked(name, "application/wasm");
  }

  // All are asked for at once, and not one after the other as each is missed.
  const [library, museum] = ["library.zip", "museum.pack"].map((name) => unpacked(name, "application/octet-stream"));
  const files = { "pyodide.asm.wasm": module("pyodide.asm.wasm"), "library.zip": library };
  self.fetch = (where, ...more) => files[String(where.url ?? where).slice(folder.length)] ?? download(where, ...more);
  const about = download(folder + "about.json").then((found) => found.json());
  const scripts = ["pyodide.mjs", "pyodide.asm.mjs"].map((name) => import(folder + name));
  const { info, bytes } = await about;
  of = bytes;
  const [{ loadPyodide }] = await Promise.all(scripts);
  const came = Promise.all([library, museum, files["pyodide.asm.wasm"]]);
  came.catch(() => {});
  try {
    python = await loadPyodide({
      indexURL: folder,
      stdLibURL: folder + "library.zip",
      lockFileContents: { info, packages: {} },
      env: { HOME: "/home/pyodide" },
    });
  } catch (error) {
    await came;  // who can say better why
    throw error;
  }
  self.fetch = download;
  python.setStdin({ stdin: () => null });  // nobody types
  python._api.on_fatal = broken;  // a stack of calls that is too high for the browser, for one, ends all of it
  unpack(new Uint8Array(await (await museum).arrayBuffer()));
  python.runPython("import sys; sys.path.insert(0, '/museum')\nfrom exhibits.backstage.pyodide import page\npage.prepare()");
  postMessage({ ready: true });
}

// The museum's files: a line of JSON, { name: length }, and their bytes one after the other.
function unpack(archive) {
  let at = archive.indexOf(10) + 1;
  for (const [name, length] of Object.entries(JSON.parse(new TextDecoder().decode(archive.subarray(0, at))))) {
    python.FS.mkdirTree(`/museum/${name}`.replace(/\/[^/]*$/, ""));
    python.FS.writeFile(`/museum/${name}`, archive.subarray(at, (at += length)));
  }
}

function broken(error) {
  postMessage({ failed: `Python broke down (${String(error).trim().split("\n").at(-1)}); the next question starts anew` });
}

async function answer({ id, text }) {
  let before = [], said = [], size = 0;
  const write = (bytes) => {
    said.push(bytes.slice(-LOGGED));
    size += bytes.length;
    if (size > LOGGED) [before, said, size] = [said, [], 0];
    return bytes.length;
  };
  const listen = { write, isatty: false };
  python.setStdout(listen);
  python.setStderr(listen);
  try {
    const ask = python.globals.get("page").ask;
    const found = JSON.parse(await ask(text));
    if (found.refused) return postMessage({ id, error: found.refused });
    const log = (found.log ?? "") + new TextDecoder().decode(await new Blob([...before, ...said]).arrayBuffer());
    found.log = log.length > LOGGED ? `… ${log.slice(-LOGGED)}` : log;
    postMessage({ id, answer: found });
  } catch (error) {
    broken(error);  // a program has taken away what the museum stands on
  }
}
