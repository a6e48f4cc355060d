// Python for the laboratory, in a worker: what runs there can take its time, and can be stopped.
// Messages in: {folder}, then {id, question}; out: {done, of}, {ready}, {id, answer} or {id, error}.

const LINES = 10_000;  // of a log: who writes more writes without end
const queue = [];
let python;

addEventListener("message", async ({ data }) => {
  if (data.folder) return start(data.folder).catch((error) => postMessage({ failed: String(error) }));
  queue.push(data);
  if (queue.length === 1) while (queue.length) (await answer(queue[0]), queue.shift());  // one after the other
});

async function start(folder) {
  const { info, bytes } = await (await fetch(folder + "about.json")).json();
  let done = 0;
  const counted = (chunk, controller) => {
    postMessage({ done: (done += chunk.length), of: bytes });
    controller.enqueue(chunk);
  };

  // A compressed file of ours, as it was: not every host compresses what is no text.
  async function unpacked(name, type) {
    const found = await fetch(`${folder}${name}.gz`);
    if (!found.ok) throw new Error(`${name} is not there (${found.status})`);
    const stream = found.body.pipeThrough(new TransformStream({ transform: counted })).pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream, { headers: { "Content-Type": type } });
  }

  const download = self.fetch.bind(self);
  const [library, museum] = ["library.zip", "museum.pack"].map((name) => unpacked(name, "application/octet-stream"));
  self.fetch = (where, ...more) => {  // as Pyodide asks for its files
    const name = String(where.url ?? where).slice(folder.length);
    if (name === "pyodide.asm.wasm") return unpacked(name, "application/wasm");
    return name === "library.zip" ? library : download(where, ...more);
  };
  const { loadPyodide } = await import(folder + "pyodide.mjs");
  python = await loadPyodide({
    indexURL: folder,
    stdLibURL: folder + "library.zip",
    lockFileContents: { info, packages: {} },
    env: { HOME: "/home/pyodide" },
  });
  self.fetch = download;
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

async function answer({ id, question }) {
  const said = [];
  const listen = { write: (bytes) => (said.length < LINES && said.push(bytes.slice()), bytes.length), isatty: false };
  python.setStdout(listen);
  python.setStderr(listen);
  try {
    const ask = python.globals.get("page").ask;
    const found = JSON.parse(await ask(JSON.stringify(question)));
    found.log = (found.log ?? "") + new TextDecoder().decode(await new Blob(said).arrayBuffer());
    postMessage({ id, answer: found });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
}
