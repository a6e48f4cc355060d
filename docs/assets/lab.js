// A form that asks stages of the museum, and shows what passed: the laboratory of the site, and the lobby at home.
// What answers is an engine, an object with
//
//   start(tell) -> a promise, once it can be asked; tell({ done, of }) may say meanwhile how far it is
//   ask(question) -> a promise of the answer
//   stop() -> end what runs; the promises of what was asked are rejected
//
// question: { stage, request, program, leaves, messages, count }: the request as text in which each character is a
//   byte; program a name or Python; leaves: the visitor leaves after so many pieces of the answer; messages: what he
//   says once a WebSocket is open; count: so many visitors send it at once.
// answer: { journey, response, html, log }, the response as the request, html the journey as journey_view makes it;
//   over, where it has one: why no more came;
//   for several visitors { lanes: [{ began, pieces, ended }] }, in seconds since they came; where the program cannot
//   be asked { trouble, traceback }.

export function laboratory(page, engine) {
  const data = JSON.parse(page.querySelector(".lab-data").textContent);
  const form = page.querySelector("form");
  const fields = form.elements;
  const heard = page.querySelector(".heard");
  const own = {};  // the reader's programs, by their shape
  const one = (selector) => form.querySelector(selector);
  let runs = 0;  // each press of a button has a number, and only the last one may show something

  // ------------------------------------------------ the request

  const messages = () => fields.messages.value.split("\n").filter((line) => line);
  const chosen = () => [...form.querySelectorAll(".stages input:checked")].map((box) => box.value);

  function look() {
    const bytes = meant(fields.request.value);
    one(".hint").textContent = remark(bytes);
    one(".said").hidden = !/\r\nupgrade: *websocket/i.test(bytes);
  }

  fields.request.addEventListener("input", look);
  fields.request.addEventListener("beforeinput", (event) => {
    const pasted = event.inputType === "insertFromPaste" ? event.data ?? event.dataTransfer?.getData("text") : null;
    if (event.inputType !== "insertLineBreak" && !pasted?.includes("\n")) return;
    event.preventDefault();
    const text = pasted ? pasted.replace(/(\\r)?(\\n)?\r?\n/g, "\\r\\n\n") : "\\r\\n\n";
    fields.request.setRangeText(text, fields.request.selectionStart, fields.request.selectionEnd, "end");
    look();
  });
  fields.preset.append(element("option", { value: "" }, "one of these"));
  for (const [heading, presets] of Object.entries(data.presets))
    fields.preset.append(element("optgroup", { label: heading },
      ...Object.keys(presets).map((name) => element("option", { value: JSON.stringify([heading, name]) }, name))));
  fields.preset.addEventListener("change", () => {
    if (!fields.preset.value) return;
    const [heading, name] = JSON.parse(fields.preset.value);
    const preset = data.presets[heading][name];
    fields.request.value = shown(preset.request);
    fields.messages.value = (preset.messages ?? []).join("\n");
    look();
  });

  // ------------------------------------------------ the program

  const text = () => own[fields.shape.value] ?? data.programs[fields.program.value][fields.shape.value];

  function showProgram(bad) {
    if (!engine.programs) return;
    const shape = fields.shape.value;
    if (fields.text.value !== text()) {
      fields.text.value = text();
      fields.text.setSelectionRange(0, 0);  // who comes by Tab begins at its first line
    }
    one(".colours").replaceChildren(...coloured(text(), bad));
    one(".whose").textContent = shape in own ? "Changed by you." : "";
    one(".restore").hidden = !(shape in own);
  }

  if (engine.programs) {
    fields.text.addEventListener("input", () => {
      own[fields.shape.value] = fields.text.value;
      showProgram();
    });
    fields.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();  // a new line begins where the last one did, and further in behind a colon
      const before = fields.text.value.slice(0, fields.text.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
      fields.text.setRangeText("\n" + indent, fields.text.selectionStart, fields.text.selectionEnd, "end");
      fields.text.dispatchEvent(new Event("input"));
    });
    one(".restore").addEventListener("click", () => {
      delete own[fields.shape.value];
      showProgram();
      fields.text.focus();
    });
    fields.program.addEventListener("change", () => {
      for (const shape in own) delete own[shape];
      showProgram();
    });
    fields.shape.addEventListener("change", () => showProgram());
    for (const box of form.querySelectorAll(".stages input"))
      box.addEventListener("change", () => {
        const shapes = chosen().map((stage) => data.shapes[stage]);
        if (shapes.length && !shapes.includes(fields.shape.value)) fields.shape.value = shapes[0];
        showProgram();
      });
  }

  // ------------------------------------------------ asking

  const question = (stage, more) => ({
    stage, request: meant(fields.request.value), messages: messages(), leaves: +fields.leaves.value,
    ...(engine.programs && { program: own[data.shapes[stage]] ?? fields.program.value }), ...more,
  });

  function say(text) {
    one(".state").textContent = text;
  }

  async function wake() {
    const bar = one("progress");
    bar.hidden = false;
    say("Python comes into the page …");
    try {
      await engine.start(({ done, of }) => {
        bar.max = of;
        bar.value = done;
      });
      page.classList.add("awake");
    } finally {
      bar.hidden = true;
    }
  }

  // Ask each stage the same; what comes is shown when all have answered.
  async function send(more, show) {
    const stages = chosen(), number = ++runs;
    if (!stages.length) return say("Choose a stage first.");
    if (meant(fields.request.value).length > LONGEST) return say("The request is longer than 4 MB.");
    one(".stop").hidden = false;
    page.classList.add("asking");
    try {
      await wake();
      const found = [];
      for (const stage of stages) {
        say(`Asking ${data.titles[stage]} …`);
        const began = performance.now();
        found.push({ stage, title: data.titles[stage], ...(await engine.ask(question(stage, more))), took: performance.now() - began });
        if (number !== runs) return;
      }
      say(`${list(found.map((each) => each.title))} answered.`);
      const bad = /File "program\.py", line (\d+)(?![\s\S]*File "program\.py")/.exec(found.map((each) => (each.traceback ?? "") + (each.log ?? "")).join("\n"));
      showProgram(bad ? +bad[1] : 0);
      heard.replaceChildren(...show(found));
      move(heard);
      for (const log of heard.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;  // what counts stands last
      heard.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (number === runs) say(error.message === "stopped" ? "Stopped. The next one starts anew." : `It failed: ${error.message}`);
    } finally {
      if (number === runs) rest();
    }
  }

  function rest() {
    one(".stop").hidden = true;
    page.classList.remove("asking");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({}, (found) => (found.length > 2 ? table(found) : sideBySide(found)));
  });
  one(".four").addEventListener("click", () => send({ count: 4 }, lanes));
  one(".stop").addEventListener("click", () => {
    engine.stop();
    fields.request.focus();
  });

  // ------------------------------------------------ settings: an experiment's, or those of a link

  function setUp({ request, messages = [], program = "guestbook", own: texts = {}, stages, leaves = 0 }) {
    fields.preset.value = "";
    fields.request.value = shown(request);
    fields.messages.value = messages.join("\n");
    fields.leaves.value = String(leaves);
    for (const box of form.querySelectorAll(".stages input")) box.checked = stages.includes(box.value);
    if (engine.programs) {
      for (const shape in own) delete own[shape];
      Object.assign(own, texts);
      fields.program.value = program;
      const shapes = stages.map((stage) => data.shapes[stage]);
      fields.shape.value = shapes.find((shape) => shape in own) ?? shapes[0];
      showProgram();
    }
    look();
  }

  // An experiment: its settings, and above the form what is to be done, until somebody takes another.
  const experiments = [...document.querySelectorAll(".experiments > li")];
  const settingsOf = (experiment) => JSON.parse(experiment.querySelector("[data-setup]").dataset.setup);

  function begin(experiment) {
    runs += 1;  // what is still being asked is no answer to this one
    rest();
    setUp(settingsOf(experiment));
    const [title, ...texts] = [...experiment.children].slice(0, -1).map((part) => part.cloneNode(true));
    const next = experiments[experiments.indexOf(experiment) + 1];
    const button = (label, press) => element("button", { type: "button", onclick: press }, label);
    const heading = element("p", { className: "title", tabIndex: -1 }, `Experiment ${experiments.indexOf(experiment) + 1}: ${title.firstChild.textContent}`);
    one(".task").replaceChildren(heading, ...texts, element("p", {},
      next ? button("Next experiment", () => begin(next)) : null, " ", button("Close", () => (one(".task").hidden = true))));
    one(".task").hidden = false;
    heard.replaceChildren();
    say("");
    form.scrollIntoView();
    heading.focus({ preventScroll: true });
  }

  for (const experiment of experiments)
    experiment.querySelector("[data-setup]").addEventListener("click", () => begin(experiment));
  one(".share").addEventListener("click", async () => {
    const settings = {
      request: meant(fields.request.value), messages: messages(), program: fields.program?.value, own,
      stages: chosen(), leaves: +fields.leaves.value,
    };
    history.replaceState(history.state, "", "#" + packed(settings));
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    say(copied ? "The link is copied, and in the address bar." : "The link is in the address bar.");
  });

  function follow() {
    const name = location.hash.slice(1), experiment = experiments.find((each) => each.id === name);
    const settings = experiment ? null : unpacked(name);
    if (!experiment && !settings) return false;
    try {
      experiment ? begin(experiment) : setUp(settings);
      return true;
    } catch {
      setUp(data.first);  // and not half of what the link says
      say("The link is damaged.");
      return true;
    }
  }
  addEventListener("hashchange", follow);
  if (!follow()) setUp(data.first);
  page.classList.add("ready");

  window.museum ??= {};
  window.museum.lab = {
    start: () => engine.start(() => {}), ask: (question) => engine.ask(question), stop: () => engine.stop(),
  };
}

const LONGEST = 4e6;

// Let the journeys in an element be walked through.
const move = async (element) => (await import("./journey.js")).start(element);

// ---------------------------------------------------------------- bytes as a reader sees them

// As Python writes them: \r and \n, \x00, \\; and \*9{ab} for ab nine times. Ends of lines on the screen mean nothing.
export function shown(bytes) {
  return bytes.replace(/\\/g, "\\\\").replace(/[\xc2-\xf4][\x80-\xbf]+|[\x80-\xff]/g, decoded)
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, escaped).replace(/\r/g, "\\r").replace(/\n/g, "\\n\n")
    .replace(/([^\\{}\n]{2,40}?)\1{49,}/g, (all, part) => `\\*${all.length / part.length}{${part}}`);
}

export function meant(text) {
  const bytes = new TextEncoder(), letters = { r: "\r", n: "\n", t: "\t", 0: "\0", "\\": "\\" };
  return text.replace(/\r?\n/g, "").replace(
    /\\(?:([rnt0\\])|x([\da-fA-F]{2})|\*(\d{1,7})\{([^{}]*)\})|[^\0-\x7f]{1,1000}/gu, (all, letter, code, times, part) => {
      if (letter) return letters[letter];
      if (times) return meant(part).repeat(Math.min(+times, LONGEST / (part.length || 1)));
      return String.fromCharCode(...(code ? [parseInt(code, 16)] : bytes.encode(all)));
    });
}

function decoded(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (char) => char.charCodeAt()));
    if (!/[\x80-\x9f]/.test(text)) return text;
  } catch {}  // it is no UTF-8
  return bytes.replace(/[^]/g, escaped);
}

const escaped = (char) => `\\x${char.charCodeAt().toString(16).padStart(2, "0")}`;

// What is worth saying of a request before it is sent.
function remark(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  const said = `${bytes.length} bytes.`;
  if (end < 0) return `${said} There is no empty line: the server will wait for more.`;
  const head = bytes.slice(0, end), body = bytes.length - end - 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (/[^\r]\n|\r[^\n]/.test(head)) return `${said} Not every line ends with \\r\\n.`;
  if (length && +length[1] !== body) return `${said} Content-Length says ${length[1]}, and ${body} follow the empty line.`;
  if (!length && body && !/transfer-encoding/i.test(head)) return `${said} ${body} of them follow the empty line, and no length announces them.`;
  return said;
}

// ---------------------------------------------------------------- answers

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const list = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");
const raw = (bytes, css = "raw") => element("pre", { className: css, tabIndex: 0 }, element("code", {}, bytes.length > 5000 ? shown(bytes.slice(0, 4000)) + ` … ${bytes.length} bytes in all` : shown(bytes)));

function sideBySide(found) {
  const whole = found.map((each) => answer(each, found.find((other) => other !== each)));
  return [element("div", { className: `side ${found.length === 2 ? "two" : ""}` }, ...whole)];
}

// One stage's answer; its lines that the other's has not are marked.
function answer(found, other) {
  const section = element("section", { className: "stage" }, element("h3", {}, found.title));
  if (found.trouble) {
    section.append(element("p", { className: "trouble" }, `It was not asked: ${found.trouble}.`));
    if (found.traceback) section.append(element("pre", { className: "log", tabIndex: 0 }, element("code", {}, found.traceback)));
    return section;
  }
  const has = new Set(other?.response?.split("\n").map(comparable));
  const differs = (line) => has.size && !/^(date|server):/i.test(line) && !has.has(comparable(line));
  const lines = shown(found.response.slice(0, 5000)).split("\n").map((line, number) =>
    differs(meant(line).replace("\n", "")) ? element("mark", {}, line + "\n") : line + "\n");
  if (found.response.length > 5000) lines.push(`… ${found.response.length} bytes in all`);
  section.append(
    element("h4", {}, "What the visitor got"),
    found.response ? element("pre", { className: "raw", tabIndex: 0 }, element("code", {}, ...lines))
                   : element("p", {}, `${capital(found.over || "nothing: the connection was closed")}.`),
  );
  if (found.over && found.response) section.append(element("p", {}, `Then ${found.over}.`));
  if (found.log) section.append(element("h4", {}, "The log"), element("pre", { className: "log", tabIndex: 0 }, element("code", {}, found.log)));
  section.append(element("h4", {}, "Its journey"), journey(found));
  return section;
}

// Names of fields have no case.
function comparable(line) {
  const field = /^([!-9;-~]+):[ \t]*(.*)/.exec(line);
  return field ? `${field[1].toLowerCase()}: ${field[2].trim()}` : line;
}

function journey(found) {
  const place = element("div", { className: "passed" });
  if (found.html) place.innerHTML = found.html;
  else for (const link of found.journey.links) place.append(rough(link));
  return place;
}

// A link of a journey without its drawing.
function rough(link) {
  const title = element("p", {}, element("b", {}, `${link.between.join(" – ")}, ${link.carrier}`));
  const parts = (link.pieces ?? []).map((piece) => element("li", {}, `${piece.at.toFixed(3)} s, ${piece.what} `, raw(piece.bytes)));
  const calls = (link.calls ?? []).map((call) => element("li", {}, `${call.by}: ${call.call}`));
  return element("div", {}, title, element("ol", {}, ...parts, ...calls));
}

// ---------------------------------------------------------------- all in one table

const NOT_COMPARED = new Set(["server", "date", "connection", "keep-alive", "transfer-encoding", "content-length"]);

// The first answer in what came: { status, fields, body }.
function read(response) {
  const end = response.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, fields: {}, body: response };
  const [first, ...lines] = response.slice(0, end).split("\r\n");
  const fields = {};
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase(), value = line.slice(line.indexOf(":") + 1).trim();
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  let body = response.slice(end + 4);
  if (/chunked/i.test(fields["transfer-encoding"] ?? "")) body = unchunked(body);
  return { status: +first.split(" ")[1], fields, body };
}

function unchunked(text) {
  let body = "", size;
  while ((size = /^([\da-f]+)[^\r]*\r\n/i.exec(text)) && parseInt(size[1], 16)) {
    const begin = size[0].length, end = begin + parseInt(size[1], 16);
    body += text.slice(begin, end);
    text = text.slice(end + 2);
  }
  return body;
}

function compared({ status, fields, body }) {
  return JSON.stringify([status, Object.entries(fields).filter(([name]) => !NOT_COMPARED.has(name)).sort(), body]);
}

function differences(answer, usual) {
  const found = [];
  if (answer.status !== usual.status) found.push(`status ${answer.status || "none"}, not ${usual.status}`);
  for (const name of new Set([...Object.keys(answer.fields), ...Object.keys(usual.fields)]))
    if (!NOT_COMPARED.has(name) && answer.fields[name] !== usual.fields[name])
      found.push(`${name}: ${answer.fields[name] ?? "none"}, not ${usual.fields[name] ?? "none"}`);
  if (answer.body !== usual.body) found.push(`body: ${shown(answer.body.slice(0, 200)) || "none"}`);
  return found.join("; ");
}

function table(found) {
  const asked = found.filter((each) => !each.trouble);
  for (const each of asked) each.read = read(each.response);
  const keys = asked.map((each) => compared(each.read));
  const most = keys.map((key) => keys.filter((other) => other === key).length);
  const usual = asked[most.indexOf(Math.max(...most))]?.read;
  const rows = found.map((each) => element("tr", {},
    element("th", { scope: "row" }, each.title),
    element("td", {}, each.trouble ? "–" : String(each.read.status || "none")),
    element("td", {}, each.trouble ? "–" : String(each.read.body.length)),
    element("td", {}, each.trouble ? `not asked: ${each.trouble}` : differences(each.read, usual) || "identical"),
  ));
  const head = ["stage", "status", "bytes", "the answer"].map((name) => element("th", { scope: "col" }, name));
  const details = found.map((each) => {
    const one = element("details", { className: "one" }, element("summary", {}, `${each.title}: answer and journey`));
    one.addEventListener("toggle", () => {
      if (one.children.length === 1) one.append(answer(each));
      move(one);
    });
    return one;
  });
  return [
    element("table", { className: "compared" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
    usual ? element("p", {}, "Most of them gave this answer:") : null, usual ? raw(usual.body, "raw body") : null, ...details,
  ].filter((each) => each);
}

// ---------------------------------------------------------------- visitors who come at once

function lanes(found) {
  const last = Math.max(...found.flatMap((each) => (each.lanes ?? []).map((lane) => lane.ended)), 0.001);
  const percent = (seconds) => `${(100 * seconds) / last}%`;
  return found.map((each) => {
    const section = element("section", { className: "stage" }, element("h3", {}, each.title));
    if (each.trouble) {
      section.append(element("p", { className: "trouble" }, `It was not asked: ${each.trouble}.`));
      return section;
    }
    const rows = each.lanes.map((lane, number) => {
      const part = (css, from, to) => {
        const bar = element("span", { className: css });
        bar.style.left = percent(from);
        bar.style.width = percent(to - from);
        return bar;
      };
      const pieces = lane.pieces.map((at) => part("piece", at, at));
      return element("li", {}, element("span", { className: "words" },
        `Visitor ${number + 1} is served from ${lane.began.toFixed(2)} s to ${lane.ended.toFixed(2)} s.`),
      element("span", { className: "lane", ariaHidden: "true" }, part("waits", 0, lane.began), part("served", lane.began, lane.ended), ...pieces));
    });
    const all = Math.max(...each.lanes.map((lane) => lane.ended));
    section.append(element("ol", { className: "lanes" }, ...rows), element("p", {}, `All four have their answer after ${all.toFixed(2)} s.`));
    return section;
  });
}

// ---------------------------------------------------------------- a program in colours

const PYTHON = new RegExp([
  /(?<comment>#.*)/, /(?<string>[rbfRBF]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
  /(?<keyword>\b(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b)/,
  /(?<number>\b\d[\w.]*)/, /(?<=\bdef )(?<name>\w+)/,
].map((part) => part.source).join("|"), "g");

const COLOURED = 50_000;  // characters: a longer program is shown at each key as it is

// The pieces of a program as nodes; bad: the number of the line that failed, or 0.
function coloured(text, bad) {
  const nodes = [];
  let end = 0;
  for (const found of text.length > COLOURED ? [] : text.matchAll(PYTHON)) {
    const [kind] = Object.entries(found.groups).find(([, part]) => part !== undefined);
    nodes.push(text.slice(end, found.index), element("span", { className: kind }, found[0]));
    end = found.index + found[0].length;
  }
  nodes.push(text.slice(end) + "\n");
  if (!bad) return nodes;
  const marker = element("span", { className: "failed", ariaHidden: "true" });
  marker.style.top = `calc(${bad - 1} * var(--line))`;
  return [marker, ...nodes];
}

// ---------------------------------------------------------------- settings in an address

const packed = (settings) =>
  "lab=" + btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(settings)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function unpacked(fragment) {
  if (!fragment.startsWith("lab=")) return null;
  try {
    const bytes = atob(fragment.slice(4).replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt())));
  } catch {
    return {};
  }
}
