// Lecture: one figure alone and large over the page, for a room. `lectures(article)` gives every dump, list of calls
// and journey, and what is compared, a button; `l` does the same. Keys work in it as in the page; Escape ends it.

export function lectures(article) {
  for (const figure of article.querySelectorAll("figure:is(.wire, .calls, .journey), .concepts"))
    if (!figure.parentElement.closest("figure.journey")) offer(figure);
}

function offer(figure) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "to-lecture";
  button.title = "Alone and large, for a room (l)";
  button.textContent = "Lecture";
  button.addEventListener("click", () => lecture(figure, button));
  (figure.querySelector(":scope > .picker") ?? figure).append(button);
  figure.addEventListener("keydown", (event) => {
    if (event.key !== "l" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    if (!figure.closest("dialog")) lecture(figure, button);
  });
}

function lecture(figure, button) {
  const dialog = document.createElement("dialog"), address = document.createElement("p");
  const end = document.createElement("button");
  const hole = document.createComment(""), from = scrollY, concepts = [...figure.querySelectorAll(".concept")];
  dialog.className = "lecture md-typeset";
  dialog.setAttribute("aria-label", "Lecture");
  address.className = "address";
  end.type = "button";
  end.textContent = "End (Esc)";
  end.addEventListener("click", () => dialog.close());

  // The field, call or concept that is shown, by its address: a room can go there.
  function tell() {
    const place = figure.querySelector(".concept.now > h3, .hex .lit, li.lit, .hex [aria-selected]");
    address.textContent = Object.assign(new URL(location), { hash: (place ?? figure).id }).href.replace(/^\w+:\/\//, "");
  }

  function turn(step) {  // to a concept; before the first stands the sentence about both stages
    const now = concepts.findIndex((each) => each.matches(".now"));
    const next = Math.max(-1, Math.min(now + step, concepts.length - 1));
    concepts.forEach((each, i) => each.classList.toggle("now", i === next));
    dialog.scrollTop = 0;
  }

  figure.replaceWith(hole);
  dialog.append(address, end, figure);
  document.body.append(dialog);
  document.documentElement.classList.add("lecturing");
  dialog.showModal();
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("select")) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && concepts.length) turn(step);
    const key = { PageDown: "ArrowRight", PageUp: "ArrowLeft" }[event.key];  // of a remote control for slides
    if (!key) return;
    event.preventDefault();
    event.target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  });
  dialog.tabIndex = -1;
  (figure.querySelector(".strip, .hex > [tabindex='0']") ?? dialog).focus();
  const watch = new MutationObserver(tell);
  watch.observe(figure, { subtree: true, attributes: true, attributeFilter: ["class", "aria-selected"] });
  tell();
  dialog.addEventListener("close", () => {
    watch.disconnect();
    document.documentElement.classList.remove("lecturing");
    hole.replaceWith(figure);
    dialog.remove();
    scrollTo(0, from);
    button.focus();
  });
}
