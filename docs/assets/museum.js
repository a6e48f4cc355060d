// The dumps of the wire views: what a field means, at the pointer or from the keyboard.
// Everything shown here stands in the table below the dump too, one row for each field.

document$.subscribe(() => {
  document.querySelector(".md-search").setAttribute("aria-label", "Search");
  document.querySelectorAll("figure.wire").forEach(start);
  open();
});
addEventListener("hashchange", open);

function start(figure) {
  const says = figure.querySelector(".says");
  const rows = figure.querySelectorAll("tbody tr");
  const fields = [...figure.querySelectorAll(".hex > span")];
  const texts = [...figure.querySelectorAll(".text > span")];
  const hex = figure.querySelector(".hex");
  let chosen = 0;

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
    const place = document.createElement("a");
    place.href = "#" + fields[i].id;
    place.tabIndex = -1;
    place.textContent = length.textContent === "1" ? `byte ${last}` : `bytes ${offset.textContent}–${last}`;
    says.replaceChildren(place, " ", ...clones(name), " — ", ...clones(meaning));
    const section = says.querySelector("small");
    for (const known of figure.querySelectorAll(".sections span"))
      if (known.textContent === section.textContent) section.replaceChildren(...clones(known));
    for (const parts of [fields, texts]) parts.forEach((part, n) => part.classList.toggle("on", n === i));
  }

  function choose(i, address = true) {
    fields[chosen].tabIndex = -1;
    fields[chosen].removeAttribute("aria-selected");
    chosen = i;
    fields[i].tabIndex = 0;
    fields[i].setAttribute("aria-selected", "true");
    explain(i);
    if (address) history.replaceState(history.state, "", "#" + fields[i].id);
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
  dump.addEventListener("mouseover", (event) => at(event) >= 0 && explain(at(event)));
  dump.addEventListener("mouseleave", () => says.querySelector("a") && explain(chosen));
  dump.addEventListener("click", (event) => at(event) >= 0 && choose(at(event)));
  hex.addEventListener("focusin", (event) => at(event) >= 0 && choose(at(event), false));
  hex.addEventListener("keydown", (event) => {
    const last = fields.length - 1;
    const to = { ArrowRight: Math.min(chosen + 1, last), ArrowLeft: Math.max(chosen - 1, 0), Home: 0, End: last,
                 ArrowDown: () => beyond(chosen, 1), ArrowUp: () => beyond(chosen, -1) }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    fields[typeof to === "function" ? to() : to].focus();
  });
  figure.choose = (field) => choose(fields.indexOf(field), false);
}

const clones = (element) => [...element.cloneNode(true).childNodes];

// Open and mark the field that the address names.
function open() {
  const field = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const figure = field?.closest("figure.wire");
  if (!figure || !field.matches(".hex > span")) return;
  figure.choose(field);
  field.scrollIntoView({ block: "center" });
}

// Compare: which two stages are shown. The address says it: ?a=wsgi&b=asgi

document$.subscribe(() => document.querySelectorAll("div.compare").forEach(compare));

function compare(page) {
  const [a, b] = page.querySelectorAll("select");
  const concepts = page.querySelectorAll(".concept");
  let shown = [a.value, b.value];

  function show(...pair) {
    if (pair[0] === pair[1]) pair = pair.map((stage, i) => (stage === shown[i] ? shown[1 - i] : stage));
    shown = [a.value, b.value] = pair;
    let differing = 0;
    for (const concept of concepts) {
      const ways = [...concept.querySelectorAll(".way")];
      const [one, other] = pair.map((stage) => ways.find((way) => way.dataset.stages.split(" ").includes(stage)));
      for (const way of ways) way.hidden = way !== one && way !== other;
      for (const name of concept.querySelectorAll("[data-stage]")) name.hidden = !pair.includes(name.dataset.stage);
      const differs = one !== other;
      if (differs) one.parentElement.prepend(one, other);
      concept.classList.toggle("differs", differs);
      concept.classList.toggle("alike", !differs);
      concept.querySelector(".verdict").textContent = differs ? "differs" : "alike";
      differing += differs;
    }
    for (const step of page.querySelectorAll(".step"))
      step.hidden = !step.dataset.stages.split(" ").every((stage) => pair.includes(stage));
    const [one, other] = [a, b].map((select) => select.selectedOptions[0].textContent);
    page.querySelector(".sum").textContent = `${one} and ${other} differ in ${differing} of ${concepts.length}.`;
  }

  function choose(...pair) {
    show(...pair);
    const address = new URL(location);
    address.search = new URLSearchParams({ a: a.value, b: b.value });
    history.replaceState(history.state, "", address);
  }

  page.querySelector("button").addEventListener("click", () => choose(b.value, a.value));
  page.querySelector(".picker").addEventListener("change", () => choose(a.value, b.value));
  for (const preset of page.querySelectorAll(".presets a"))
    preset.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(...new URLSearchParams(preset.search).values());
    });

  const asked = new URLSearchParams(location.search);
  const known = [...a.options].map((option) => option.value);
  const pair = [asked.get("a"), asked.get("b")];
  if (pair.every((stage) => known.includes(stage)) && pair[0] !== pair[1]) show(...pair);
}
