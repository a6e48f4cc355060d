// Journeys: the dumps of what passed, whose fields say what they mean, and the stepper on the drawing of the way.
//
// `start(element)` makes both of every figure in an element, or of itself, that exhibits/backstage/site/journey.py has rendered:
// for pages of the site, for the laboratory and for the museum at home. All that is shown stands in the HTML already.

export function start(root) {
  for (const [what, begin] of [["figure.wire", explainer], ["figure.journey", stepper], [".journeys", chooser]])
    [...(root.matches?.(what) ? [root] : []), ...root.querySelectorAll(what)].forEach(begin);
}

// Open and mark the field or call that the address names.
export async function open() {
  const id = location.hash.slice(1);
  const choices = [...document.querySelectorAll(".journeys .choices a")];
  const choice = choices.find((each) => `#${id}-`.startsWith(`${each.hash}-`));  // of a recording, or of a part of it
  if (choice) await choice.closest(".journeys").choose(choice);
  const place = document.getElementById(id);
  const journey = place?.closest("figure.journey");
  if (place !== journey) journey?.reveal(place);
  if (place?.matches(".hex > span")) place.focus({ preventScroll: true });  // which chooses it, and the keys go on from there
  else if (!journey) return;  // the browser goes there
  await bring(place, place === journey ? "start" : "center");
}

// Scroll to a place, and again while it moves: what comes into view on the way gets its height only then.
async function bring(place, block) {
  for (let frame = 0, before = NaN, now; frame < 30 && now !== before; frame++) {
    place.scrollIntoView({ block });
    await new Promise(requestAnimationFrame);
    [before, now] = [now, place.getBoundingClientRect().top];
  }
}

const clones = (element) => [...element.cloneNode(true).childNodes];

// An element with attributes and children; what begins with "on" listens.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---------------------------------------------------------------- a dump: what a field means
// At the pointer or from the keyboard. It stands in the table below the dump too, one row for each field. With what is
// said stands of which message it is, for the caption may have scrolled away. The address follows the field, and can be
// copied: of recordings, which are there again tomorrow; of a journey run in the page it would lead nowhere.

const SETTLES = 250, COPIED = 2000;  // ms until the address follows the keys: browsers take only so many changes

function explainer(figure) {
  if (figure.explained) return;
  figure.explained = true;
  const says = figure.querySelector(".says");
  const title = figure.querySelector("figcaption").textContent.split(":")[0];
  const stays = !figure.closest("figure.journey") || Boolean(figure.closest(".journeys"));
  const copy = stays && navigator.clipboard && make("button", { type: "button", onclick: copied }, "Copy link");
  const told = make("span", { role: "status" }), about = make("span");
  const head = [make("span", { class: "of" }, title), ...(copy ? [copy, told] : []), make("br"), about];
  const rows = figure.querySelectorAll("tbody tr");
  const fields = [...figure.querySelectorAll(".hex > span")];
  const texts = [...figure.querySelectorAll(".text > span")];
  const hex = figure.querySelector(".hex");
  let chosen = 0, settling = 0;

  hex.setAttribute("role", "listbox");
  hex.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
  fields.forEach((field, i) => {
    const [offset, , name, meaning] = rows[i].cells;
    field.setAttribute("role", "option");
    field.setAttribute("aria-description", `${name.textContent}, byte ${offset.textContent}. ${meaning.textContent}`);
    field.tabIndex = i ? -1 : 0;
  });

  function explain(i) {
    const [offset, length, name, meaning] = rows[i].cells;
    const last = +offset.textContent + +length.textContent - 1;
    const where = length.textContent === "1" ? `byte ${last}` : `bytes ${offset.textContent}–${last}`;
    const place = stays ? make("a", { href: "#" + fields[i].id, tabindex: -1 }, where) : where;
    about.replaceChildren(place, " ", ...clones(name), " — ", ...clones(meaning));
    if (!about.isConnected) says.replaceChildren(...head);
    const section = about.querySelector("small");
    for (const known of figure.querySelectorAll(".sections span"))
      if (known.textContent === section.textContent) section.replaceChildren(...clones(known));
    for (const parts of [fields, texts]) parts.forEach((part, n) => part.classList.toggle("on", n === i));
  }

  function choose(i) {
    fields[chosen].tabIndex = -1;
    fields[chosen].removeAttribute("aria-selected");
    chosen = i;
    fields[i].tabIndex = 0;
    fields[i].setAttribute("aria-selected", "true");
    explain(i);
  }

  function address() {
    clearTimeout(settling);
    if (stays) settling = setTimeout(() => history.replaceState(history.state, "", "#" + fields[chosen].id), SETTLES);
  }

  async function copied() {
    await navigator.clipboard.writeText(new URL("#" + fields[chosen].id, location));
    told.textContent = "Copied";
    setTimeout(() => (told.textContent = ""), COPIED);
  }

  // The field that is nearest below or above.
  function beyond(i, step) {
    const here = fields[i].getClientRects()[0];
    let best = i, least = Infinity;
    fields.forEach((field, n) => {
      for (const there of field.getClientRects()) {
        const down = (there.top - here.top) * step;
        const away = down * 100 + Math.abs(there.left - here.left);
        if (n !== i && down > 5 && away < least) [best, least] = [n, away];
      }
    });
    return best;
  }

  const at = (event) => {
    const span = event.target.closest(".hex > span, .text > span");
    return span ? Math.max(fields.indexOf(span), texts.indexOf(span)) : -1;
  };
  const dump = figure.querySelector(".dump");
  // A finger points at nothing before it taps: what is said would move the bytes away under it.
  const pointing = (what) => (event) => event.pointerType === "mouse" && what(event);
  dump.addEventListener("pointerover", pointing((event) => at(event) >= 0 && explain(at(event))));
  dump.addEventListener("pointerleave", pointing(() => about.isConnected && explain(chosen)));
  dump.addEventListener("click", (event) => {
    if (at(event) < 0) return;
    choose(at(event));
    address();
  });
  hex.addEventListener("focusin", (event) => at(event) >= 0 && choose(at(event)));
  hex.addEventListener("keydown", (event) => {
    const last = fields.length - 1;
    const to = { ArrowRight: Math.min(chosen + 1, last), ArrowLeft: Math.max(chosen - 1, 0), Home: 0, End: last,
                 ArrowDown: () => beyond(chosen, 1), ArrowUp: () => beyond(chosen, -1) }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && copy) copied();
    else if (to !== undefined) {
      fields[typeof to === "function" ? to() : to].focus();
      address();
    } else return;
    event.preventDefault();
  });
}

// ---------------------------------------------------------------- the stepper

const TRAVEL = 700, REST = 500, PAUSE = 0.1, LONGEST = 2;  // ms of a way and behind it; seconds that are waited for, at most
const still = matchMedia("(prefers-reduced-motion: reduce)");

function stepper(figure) {
  figure.stop?.();
  figure.querySelector(".stepper")?.remove();
  const steps = [...figure.querySelectorAll(".steps > li")].map((item) => ({
    ...item.dataset, at: +item.dataset.at, from: +item.dataset.from, to: +item.dataset.to, item,
  }));
  const panels = [...figure.querySelectorAll(".links > *")];
  const dumps = panels.filter((panel) => panel.matches(".wire")).map(spansOf);
  const calls = panels.filter((panel) => panel.matches(".calls"));
  const drawings = [...figure.querySelectorAll(".way svg")];
  const whos = [...(drawings[0]?.querySelectorAll("g.who") ?? [])].map((box) => box.dataset.who);
  let now = -1, timer = 0;

  const said = make("p", { class: "caption", "aria-live": "polite" });
  const count = make("span", { class: "count" });
  const dots = steps.map((step, i) => make("i", { onclick: () => go(i) }, String(i + 1)));
  const strip = make("div", { class: "strip", role: "slider", tabindex: 0, "aria-label": "Step", "aria-valuemin": 0,
                              "aria-valuemax": steps.length });
  dots.forEach((dot, i) => {
    const pause = i ? steps[i].at - steps[i - 1].at : 0;
    if (pause >= PAUSE) strip.append(make("b", {}, `${pause.toFixed(1)} s`));
    strip.append(dot);
  });
  const button = (label, text, onclick) => make("button", { type: "button", "aria-label": label, title: label, onclick },
                                                text);
  const back = button("Back", "←", () => go(now - 1, false));
  const next = button("Next", "→", () => go(now + 1));
  const play = button("Play", "Play", () => (timer ? stop() : run()));
  const tools = make("div", { class: "stepper", onkeydown: keys },
                     make("div", { class: "tools" }, back, next, play, strip, count), said);
  figure.querySelector(".steps").before(tools);
  figure.classList.add("moving");

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, ArrowUp: now + 1, ArrowDown: now - 1, Home: -1,
                 End: steps.length - 1 }[event.key];
    if (to !== undefined) go(to, to === now + 1);
    else if (event.key === " " && event.target === strip) play.click();
    else return;
    event.preventDefault();
  }

  // Show the moment after step n; -1 is before all. moves: what travels is seen to travel.
  function go(n, moves = true) {
    stop();
    show(n, moves);
  }

  function show(n, moves) {
    now = Math.max(-1, Math.min(n, steps.length - 1));
    const step = steps[now];
    dots.forEach((dot, i) => {
      dot.classList.toggle("past", i <= now);
      dot.classList.toggle("on", i === now);
    });
    back.disabled = now < 0;
    next.disabled = now === steps.length - 1;
    said.replaceChildren(...(step ? clones(step.item) : ["Nothing has happened yet. Press → and the request sets out."]));
    count.textContent = `${now + 1} of ${steps.length}`;
    strip.setAttribute("aria-valuenow", now + 1);
    strip.setAttribute("aria-valuetext", count.textContent);
    drawings.forEach((drawing) => draw(drawing, step, moves));
    fill(step);
  }

  function draw(drawing, step, moves) {
    const hop = step && +step.hop, whole = step?.kind === "whole";
    const parcel = drawing.querySelector(".parcel"), process = drawing.querySelector(".process");
    const acts = step && whos[hop + +step.by], gets = step && whos[hop + 1 - step.by];
    for (const each of drawing.querySelectorAll(".hop")) {
      const here = step && +each.dataset.hop === hop && !["begin", "end"].includes(step.kind);
      each.querySelector(".there").classList.toggle("on", Boolean(here && (whole || step.by === "0")));
      each.querySelector(".back").classList.toggle("on", Boolean(here && (whole || step.by === "1")));
    }
    for (const box of drawing.querySelectorAll("g.who")) {
      box.classList.toggle("acts", box.dataset.who === acts);
      box.classList.toggle("gets", box.dataset.who === gets && step.kind !== "end");
    }
    if (process) {
      const begun = steps.findIndex((each) => each.kind === "begin"), ended = steps.findIndex((each) => each.kind === "end");
      process.classList.toggle("gone", now >= 0 && (now < begun || (ended >= 0 && now >= ended)));
    }
    parcel.getAnimations().forEach((each) => each.cancel());
    parcel.classList.toggle("off", !step || ["begin", "end"].includes(step.kind));
    if (!step || parcel.matches(".off")) return;
    const [there, home] = [step.by === "0" ? ".there" : ".back", step.by === "0" ? ".back" : ".there"].map((way) =>
      ends(drawing.querySelector(`[data-hop="${hop}"] ${way}`)));
    const places = whole ? [...there, ...home] : there;
    const frames = places.map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` }));
    parcel.style.transform = frames.at(-1).transform;
    if (moves && !still.matches && drawing.getClientRects().length)
      parcel.animate(frames, { duration: whole ? 1.6 * TRAVEL : TRAVEL, easing: "ease-in-out" });
  }

  // What has passed until now is there, what passes now is lit, and the panel that has it is shown.
  function fill(step) {
    const passed = {};
    steps.slice(0, now + 1).forEach((each) => (passed[each.shows] = Math.max(passed[each.shows] ?? 0, each.to || 0)));
    for (const { figure, spans } of dumps) {
      const lit = step?.shows === figure.id;
      for (const { parts, from, to } of spans)
        for (const part of parts) {
          part.classList.toggle("later", step !== undefined && from >= (passed[figure.id] ?? 0));
          part.classList.toggle("lit", lit && from < step.to && to > step.from);
        }
    }
    const begun = {}, ended = {};
    steps.slice(0, now + 1).forEach((each) => ((each.kind === "return" ? ended : begun)[each.shows] = true));
    steps.slice(0, now + 1).forEach((each) => each.kind === "whole" && (ended[each.shows] = true));
    for (const list of calls)
      for (const call of list.querySelectorAll("li")) {
        call.classList.toggle("later", step !== undefined && !begun[call.id]);
        call.classList.toggle("open", step !== undefined && !ended[call.id]);
        call.classList.toggle("lit", step?.shows === call.id);
      }
    const panel = place(step ?? steps[0]);
    panels.forEach((each) => (each.hidden = each !== panel));
    const target = panel?.querySelector(".hex .lit, li.lit");
    const box = figure.querySelector(".links");
    box.scrollTop = target ? box.scrollTop + target.getClientRects()[0].top - box.getBoundingClientRect().top - 90 : 0;
  }

  const place = (step) => panels.find((panel) => panel.id === step.shows || step.shows.startsWith(panel.id + "-call-"));

  async function run() {
    if (now === steps.length - 1) show(-1);
    play.textContent = "Pause";
    const turn = () => {
      const pause = now >= 0 ? steps[now + 1].at - steps[now].at : 0;
      timer = setTimeout(() => {
        show(now + 1, true);
        if (now === steps.length - 1) stop();
        else turn();
      }, (now < 0 ? 0 : TRAVEL + REST) + (pause >= PAUSE ? Math.min(pause, LONGEST) * 1000 : 0));
    };
    turn();
  }

  function stop() {
    clearTimeout(timer);
    timer = 0;
    play.textContent = "Play";
  }

  // Go to the step that shows a field or a call.
  figure.reveal = (part) => {
    const panel = part.closest("figure.wire, figure.calls");
    if (!panel || panel.closest("figure.journey") !== figure) return;
    const offset = +part.id.split("-").at(-1);
    const id = part.closest("li")?.id ?? panel.id;
    const found = steps.findLastIndex((step) => step.shows === id && !(step.from > offset) && !(step.to <= offset));
    go(found, false);
  };
  figure.stop = stop;
  show(-1);
}

// The spans of a dump, each field's two, with the bytes they stand for.
function spansOf(figure) {
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => row.cells);
  const texts = figure.querySelectorAll(".text > span");
  const spans = [...figure.querySelectorAll(".hex > span")].map((span, i) => {
    const from = +rows[i][0].textContent;
    return { parts: [span, texts[i]], from, to: from + +rows[i][1].textContent };
  });
  return { figure, spans };
}

// The first two points of an arrow.
function ends(path) {
  const [x1, y1, x2, y2] = path.getAttribute("d").match(/[\d.]+/g);
  return [[x1, y1], [x2, y2]];
}

// ---------------------------------------------------------------- which recording

function chooser(journeys) {
  if (journeys.choose) return;
  const figure = journeys.querySelector("figure.journey"), choices = [...journeys.querySelectorAll(".choices a")];
  const kept = { ["#" + figure.id]: [...figure.querySelectorAll(":scope > .steps, :scope > .links")] };

  journeys.choose = async (choice) => {
    kept[choice.hash] ??= await fetched(choice);
    figure.querySelectorAll(":scope > .steps, :scope > .links").forEach((part) => part.remove());
    figure.querySelector(":scope > figcaption").before(...kept[choice.hash]);
    figure.id = choice.hash.slice(1);
    mark(choice);
    start(journeys);
  };
  const mark = (choice) => choices.forEach((each) => each === choice ? each.setAttribute("aria-current", "true")
                                                                      : each.removeAttribute("aria-current"));
  mark(choices[0]);
  for (const choice of choices)
    choice.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      try {
        await journeys.choose(choice);
        history.replaceState(history.state, "", choice.hash);
      } catch {
        location.assign(choice.href);  // where it stands, without the steps
      }
    });
}

// The steps and links of a recording, from the page that has all of them.
async function fetched(choice) {
  const page = await (await fetch(choice.href)).text();
  const figure = new DOMParser().parseFromString(page, "text/html").querySelector(choice.hash);
  return [figure.querySelector(".steps"), figure.querySelector(".links")];
}
