// The grids of rude programs and hard requests: rows become cells when they come near, a cell is shown with its bytes,
// rows and columns are chosen. What a row says in words, and every reason, stands in the page without this.

document.querySelectorAll(".verdict-grid").forEach((grid) => {
  const SIGNS = { r: "✓", t: "~", w: "✗", p: "‼", n: "" };
  const verdicts = Object.fromEntries(grid.dataset.verdicts.split("|").map((verdict, i) => ["rtwp"[i], verdict]));
  const stacks = grid.dataset.stacks.split(" ").map((each) => each.split("/"));
  const first = (i) => stacks[i][1] !== stacks[i - 1]?.[1];  // the default of its stage
  const tables = [...grid.querySelectorAll("table")];
  const rows = [...grid.querySelectorAll("tr[id]")];
  const form = document.querySelector("form.chooser");
  const shown = grid.querySelector(".cell-shown");
  const words = {};  // of each row, from the list below the grid
  for (const term of document.querySelectorAll("details.rows dt")) words[term.textContent] = term.nextElementSibling;
  const name = (row) => row.cells[0].textContent;
  let kept = stacks.map((_, i) => i);  // columns
  let run, from;  // what all cells got, and the cell that is shown

  // ---------------------------------------------------------------- cells

  function fill(table) {
    table.dataset.filled = "";
    table.tHead?.remove();
    const heads = kept.map((i) => `<th scope="col"${first(i) ? ' class="first"' : ""}>` +
      `<a href="../stages/${stacks[i][1]}/#${stacks[i][0]}">${stacks[i][0]}</a></th>`);
    table.insertAdjacentHTML("afterbegin", `<thead><tr><th scope="col"></th>${heads.join("")}</tr></thead>`);
    for (const row of table.tBodies[0].rows) {
      const cells = kept.map((i) => {
        const letter = row.dataset.cells[i];
        return `<td class="${letter}${first(i) ? " first" : ""}" data-i="${i}" tabindex="-1"` +
          `${letter === "n" ? "" : ` aria-label="${stacks[i][0]}: ${verdicts[letter]}"`}>${SIGNS[letter]}</td>`;
      });
      while (row.cells.length > 1) row.deleteCell(1);
      row.insertAdjacentHTML("beforeend", cells.join(""));
    }
    const start = table.querySelector("td:not(.n)");
    if (start) start.tabIndex = 0;
  }

  const near = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen)
      if (isIntersecting && !("filled" in target.dataset)) fill(target);
  }, { rootMargin: "600px" });
  tables.forEach((table) => near.observe(table));

  // ---------------------------------------------------------------- one cell

  // Bytes as text: what no letter stands for as Python writes it, and a line of its own behind each line end.
  const visible = (text) => text.replace(/[^ -~\n]/g, (each) => ({ "\r": "\\r", "\t": "\\t" })[each] ??
    `\\x${each.charCodeAt().toString(16).padStart(2, "0")}`).replace(/\n/g, "\\n\n");

  function part(kind, ...inner) {
    const element = document.createElement(kind);
    element.append(...inner);
    return element;
  }

  function bytes(text) {
    const block = part("pre", part("code", visible(text) || "No byte came."));
    block.tabIndex = 0;
    return block;
  }

  function link(address, text) {
    const element = part("a", text);
    element.href = address;
    return element;
  }

  async function show(cell) {
    from = cell;
    const row = cell.parentElement;
    const i = +cell.dataset.i;
    const stack = stacks[i][0];
    let all;
    try {
      all = await (run ??= fetch(grid.dataset.run).then((answer) => answer.json()));
    } catch {
      run = undefined;
      shown.replaceChildren("The bytes could not be loaded.");
      shown.hidden = false;
      return;
    }
    const place = Object.keys(all.rows).indexOf(name(row));
    const [verdict, outcome, why, answer] = all.seen[all.stacks[stack].cells[place]];
    const bad = [...row.dataset.cells.slice(0, i)].filter((letter) => "wp".includes(letter)).length;
    const number = "wp".includes(row.dataset.cells[i]) ? row.dataset.why.split(" ")[bad] : "";
    const close = part("button", "Close");
    close.type = "button";
    close.onclick = hide;
    const sent = all.sent[place];
    shown.replaceChildren(
      part("p", close, part("b", stack), `, ${name(row)}: `, part("b", verdict), outcome ? ` (${visible(outcome).trim()})` : ""),
      part("p", ...[...words[name(row)].cloneNode(true).childNodes]),
      part("p", why ? `Here: ${why}. ` : "", ...(number ? [link(`#why-${number}`, "The reason"), ", "] : []),
           link(`#${row.id}/${stack}`, "link to this cell")),
      ...(sent ? [part("p", "Sent:"), bytes(sent), part("p", "Came back:")] : []), bytes(answer));
    shown.hidden = false;
    shown.scrollTop = 0;
  }

  function hide() {
    shown.hidden = true;
    from.focus();
  }

  function stand(cell) {
    const table = cell.closest("table");
    for (const each of table.querySelectorAll('td[tabindex="0"]')) each.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  }

  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td[data-i]:not(.n)");
    if (!cell) return;
    stand(cell);
    show(cell);
  });

  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[data-i]");
    if (event.key === "Escape" && !shown.hidden) hide();
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") show(cell).then(() => shown.querySelector("button")?.focus());
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!step) return;
    const lines = [...cell.closest("tbody").rows].filter((row) => !row.hidden);
    let y = lines.indexOf(cell.parentElement);
    let x = cell.cellIndex;
    do { y += step[0]; x += step[1]; } while (x > 0 && lines[y]?.cells[x]?.matches(".n"));
    const next = x > 0 && lines[y]?.cells[x];
    if (next) stand(next);
  });

  // ---------------------------------------------------------------- choosing. The address says it: ?word=chunk&verdict=p

  function choose() {
    const { word, verdict, stacks: group } = Object.fromEntries(new FormData(form));
    kept = stacks.map((_, i) => i).filter((i) => !group || (group === "default" ? first(i) : stacks[i][1] === group));
    let count = 0;
    for (const row of rows) {
      const said = `${name(row)} ${words[name(row)].textContent}`.toLowerCase();
      const letters = kept.map((i) => row.dataset.cells[i]);
      row.hidden = !(said.includes(word.toLowerCase()) && letters.some((each) => (verdict ? each === verdict : each !== "n")));
      count += !row.hidden;
    }
    for (const table of tables) {
      const empty = [...table.tBodies[0].rows].every((row) => row.hidden);
      table.parentElement.hidden = table.parentElement.previousElementSibling.hidden = empty;
      if ("filled" in table.dataset) fill(table);
    }
    form.querySelector("output").textContent = `${count} of ${rows.length} rows`;
  }

  form.hidden = false;
  const asked = [...new URLSearchParams(location.search)].filter(([key]) => form.elements[key]);
  for (const [key, value] of asked) form.elements[key].value = value;
  if (asked.length) choose();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const said = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(history.state, "", location.pathname + (said && `?${said}`) + location.hash);
    choose();
  });

  function arrive() {
    const [id, stack] = location.hash.slice(1).split("/");
    const row = stack && document.getElementById(id);
    if (!row || !rows.includes(row)) return;
    fill(row.closest("table"));
    const cell = [...row.cells].find((each) => stacks[each.dataset.i]?.[0] === stack);
    if (!cell) return;
    cell.scrollIntoView({ block: "center", inline: "center" });
    stand(cell);
    show(cell);
  }
  addEventListener("hashchange", arrive);
  arrive();
});
