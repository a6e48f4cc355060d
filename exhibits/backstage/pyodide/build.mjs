// What the laboratory's page loads besides Pyodide: the standard library, cut and compiled, and the museum.
//
//     node build.mjs PYODIDE MUSEUM FOLDER
//
// PYODIDE is the folder of the npm package; MUSEUM a file of paths below the working directory, one a line, each
// with a "+" in front where the text goes along. Python compiles for itself: only the version that will run can.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, museum, folder] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
// Where in a line something fails is a third of a compiled module; the line is enough.
const python = await loadPyodide({ indexURL: `${pyodide}/`, env: { HOME: "/home", PYTHONNODEBUGRANGES: "1" } });
python.FS.writeFile("/library.zip", readFileSync(`${pyodide}/python_stdlib.zip`));
python.FS.writeFile("/museum.txt", readFileSync(museum));
for (const line of readFileSync(museum, "utf-8").trim().split("\n")) {
  const path = line.replace("+", "");
  python.FS.mkdirTree(`/museum/${path}`.replace(/\/[^/]*$/, ""));
  python.FS.writeFile(`/museum/${path}`, readFileSync(path));
}
python.runPython(readFileSync(new URL("compiling.py", import.meta.url), "utf-8"));
for (const name of ["library.zip", "museum.pack"])
  writeFileSync(`${folder}/${name}`, python.FS.readFile(`/out/${name}`));
process.exit();  // an event loop of Python's may still be there
