// Loaded by every page: what it needs besides is loaded where it stands.

document$.subscribe(async () => {
  document.querySelector(".md-search").setAttribute("aria-label", "Search");
  onFirstTouch(() => explainWords(document.querySelector("article")));
  if (document.querySelector("figure:is(.wire, .calls, .journey), .concepts"))
    import("./lecture.js").then(({ lectures }) => lectures(document.querySelector("article")));
  if (!document.querySelector("figure:is(.wire, .calls, .journey)")) return;
  const journey = await import("./journey.js");
  journey.start(document);
  journey.open();
  addEventListener("hashchange", journey.open);
});

// For who puts a journey into a page later, as the laboratory does.
window.museum ??= {};
window.museum.journey = async (element) => (await import("./journey.js")).start(element);

// What is folded stays so on paper, although the theme opens all of it to print.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const each of folded) each.classList.add("folded");
}, true);
addEventListener("afterprint", () => {
  for (const each of folded) each.classList.remove("folded");
});

// Compare: which two stages are shown. The address says it: ?a=wsgi&b=asgi

document$.subscribe(() => document.querySelectorAll("div.concepts").forEach(sideBySide));

function sideBySide(page) {
  const [a, b] = page.querySelectorAll("select");
  const concepts = page.querySelectorAll(".concept");
  const first = [a.value, b.value];
  let shown = first;

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
    for (const preset of page.querySelectorAll(".presets a")) {
      const same = [...new URLSearchParams(preset.search).values()].every((stage) => pair.includes(stage));
      same ? preset.setAttribute("aria-current", "true") : preset.removeAttribute("aria-current");
    }
    for (const step of page.querySelectorAll(".step"))
      step.hidden = !step.dataset.stages.split(" ").every((stage) => pair.includes(stage));
    const [one, other] = [a, b].map((select) => select.selectedOptions[0].textContent);
    page.querySelector(".sum").textContent = `${one} and ${other} differ in ${differing} of ${concepts.length} concepts.`;
  }

  function choose(...pair) {
    show(...pair);
    const address = new URL(location);
    address.search = new URLSearchParams({ a: a.value, b: b.value });
    if (address.href !== location.href) history.pushState(history.state, "", address);  // the way back leads through it
  }

  function asked() {  // what the address says; what it cannot mean, it says no longer
    const known = [...a.options].map((option) => option.value);
    const query = new URLSearchParams(location.search);
    const pair = [query.get("a"), query.get("b")];
    const good = pair.every((stage) => known.includes(stage)) && pair[0] !== pair[1];
    show(...(good ? pair : first));
    if (location.search && !good) history.replaceState(history.state, "", location.pathname + location.hash);
  }

  page.querySelector("button").addEventListener("click", () => choose(b.value, a.value));
  page.querySelector(".picker").addEventListener("change", () => choose(a.value, b.value));
  for (const preset of page.querySelectorAll(".presets a"))
    preset.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(...new URLSearchParams(preset.search).values());
    });

  addEventListener("popstate", asked);
  asked();
}

// The glossary: a word says what it means where one points, taps or arrives by Tab, at the first of each word in a page.

// What costs time is done when the first pointer or key comes, not while the page loads.
function onFirstTouch(prepare) {
  const signs = ["pointerover", "pointerdown", "keydown", "focusin"];
  function come() {
    for (const sign of signs) removeEventListener(sign, come, true);
    prepare();
  }
  for (const sign of signs) addEventListener(sign, come, true);
}

function explainWords(article) {
  const note = document.createElement("div");
  note.id = "what-it-means";
  note.setAttribute("role", "tooltip");
  note.hidden = true;
  document.body.append(note);
  const operable = (word) => !word.closest("a, summary, button, h1, h2, h3");  // others lead somewhere already
  const words = [...article.querySelectorAll("abbr[title]")].filter(operable);
  const met = new Set();
  let shown;
  for (const word of words) {
    if (!met.has(word.textContent)) word.tabIndex = 0;
    met.add(word.textContent);
    word.dataset.means = word.title;
    word.removeAttribute("title");  // the browser would show it a second time
  }

  function show(word) {
    if (word === shown) return;
    hide();
    shown = word;
    note.textContent = word.dataset.means;
    note.hidden = false;
    word.setAttribute("aria-describedby", note.id);
    const { left, bottom } = word.getClientRects()[0];
    const most = document.documentElement.clientWidth - note.offsetWidth - 8;
    note.style.left = `${Math.max(8, Math.min(left, most))}px`;
    note.style.top = `${bottom + scrollY}px`;
  }

  function hide() {
    shown?.removeAttribute("aria-describedby");
    shown = undefined;
    note.hidden = true;
  }

  // Pointing at the note keeps it: https://www.w3.org/TR/WCAG22/#content-on-hover-or-focus
  function pointed({ target }) {
    const word = target.closest("[data-means]");
    if (word) show(word);
    else if (target !== note && shown !== document.activeElement) hide();
  }

  addEventListener("pointerover", pointed);
  addEventListener("pointerdown", ({ target }) => target === note || target.closest("[data-means]") || hide());
  addEventListener("focusin", ({ target }) => (target.matches("[data-means]") ? show(target) : hide()));
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
