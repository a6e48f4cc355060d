// The lobby: the stages and their processes, the strip of what passes, and the laboratory's form, asking real servers.
import { start } from "./journey.js";
import { laboratory } from "./lab.js";

const [stages, strip, watching, journey, drawn] =
  ["#stages", "#strip", "#watching", "#journey", "#drawn"].map((each) => document.querySelector(each));
const MOST = 60;  // requests that the strip shows

function part(tag, content = [], more = {}) {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...[content].flat());
  return element;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => (document.body.dataset.mdColorScheme = dark.matches ? "slate" : "default");
dark.addEventListener("change", paint);
paint();

// The sentence of an answer that is none.
const sentence = async (answer) => (await answer.text()).replace(/^\d+ [^:]*: /, "").trim();

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await sentence(answer));
  return answer.json();
}

// ---- the stages

const size = (bytes) => (bytes ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : "");

function row({ pid, part: name, memory, state, doing }) {
  return part("tr", [part("th", `${name} ${pid}`, { scope: "row" }), part("td", size(memory)),
                     part("td", `${doing}${state ? `; ${state}` : ""}`)]);
}

function show(stage) {
  const busy = stage.open ? ` Answers ${stage.open} request${stage.open > 1 ? "s" : ""} now.` : "";
  const inside = stage.processes.length
    ? part("table", part("tbody", stage.processes.map(row)))
    : part("p", `Closed: ${stage.reason}`, { className: "wrong" });
  return part("li", [
    part("h3", [stage.processes.length ? part("a", stage.title, { href: stage.url }) : stage.title, ` ${stage.year}`]),
    part("p", `${stage.idea}.${busy}`, { className: "idea" }),
    inside,
  ]);
}

let shown = "";
async function look() {
  if (document.hidden || stages.contains(document.activeElement)) return;  // who stands on a link keeps it
  try {
    const all = await get("lobby/stages"), now = JSON.stringify(all);
    if (now !== shown) stages.replaceChildren(...all.map(show));
    shown = now;
  } catch {
    stages.replaceChildren(part("li", "The museum does not answer: it has been stopped, it seems.", { className: "wrong" }));
    shown = "";
  }
}
look();
setInterval(look, 2000);

// ---- the strip

const rows = new Map();

async function open(number) {
  try {
    drawn.innerHTML = (await get(`lobby/journeys/${number}`)).html;
    journey.hidden = false;
    start(drawn);
    strip.querySelector("[aria-current]")?.removeAttribute("aria-current");
    rows.get(number)?.firstChild.setAttribute("aria-current", "true");
    journey.querySelector("h3").focus();
  } catch (error) {
    watching.textContent = error.message;
  }
}

function pass({ number, stage, line, status, took }) {
  const time = took === null ? "goes on" : took < 1 ? `${(took * 1000).toFixed(0)} ms` : `${took.toFixed(1)} s`;
  const row = rows.get(number) ?? part("li", part("button", [], { type: "button", onclick: () => open(number) }));
  row.firstChild.replaceChildren(...[stage, line, status || "…", time].map((each) => part("span", String(each))));
  if (rows.has(number)) return;
  rows.set(number, row);
  strip.prepend(row);
  if (rows.size > MOST) {
    const first = rows.keys().next().value;
    rows.get(first).remove();
    rows.delete(first);
  }
}

const source = new EventSource("lobby/strip");
source.onopen = () => {  // it tells again of those before
  rows.clear();
  strip.replaceChildren();
};
source.onmessage = ({ data }) => pass(JSON.parse(data));

// ---- the form of the laboratory; lab.js says what an engine is

const asked = new Set();

const engine = {
  programs: false,

  async start() {},  // they run

  async ask(question) {
    const leaves = new AbortController();
    asked.add(leaves);
    try {
      const answer = await fetch("lobby/ask", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question), signal: leaves.signal,
      });
      return answer.ok ? await answer.json() : { trouble: await sentence(answer) };
    } catch {
      throw new Error(leaves.signal.aborted ? "stopped" : "the museum does not answer");
    } finally {
      asked.delete(leaves);
    }
  },

  stop() {
    for (const each of asked) each.abort();
  },
};

window.museum = { journey: (figure) => start(figure.parentElement) };
laboratory(document.querySelector(".lab"), engine);
