// The box on the page of errors: which section has a message that stands in a line of what is pasted. Of the words that
// they share the rare ones count more. Nothing that is pasted leaves the page.

document.querySelectorAll("form.finder").forEach((form) => {
  const SHOWN = 3;  // sections, at most
  const ENOUGH = 0.5;  // of the shorter one of line and message, by weight: less is chance
  const LEAST = 12;  // what a message weighs at least: otherwise one of two words would be in every log
  // Colours, tags, addresses, dates. A number begins with its first digit: tried from each, long ones take for ever.
  const NOISE = /\x1b\[[\d;]*m|<\/?[a-z]+\d?( [^<>]*)?>|(?<!\d)\d+([.:/#-]\d+)+/g;
  const words = (text) => [...new Set(text.replace(NOISE, " ").toLowerCase().match(/\p{L}{2,}|\d{2,}/gu))];

  // The messages of a section are its heading, and what stands as code in its text and in its table.
  const sections = [...document.querySelectorAll(".md-content h2[id], .finder-more li")].map((heading, order) => {
    const link = heading.querySelector("a:not(.headerlink)"), elements = [heading];
    for (let next = heading.nextElementSibling; next && !next.matches("h2"); next = next.nextElementSibling)
      if (next.matches("p, .table")) elements.push(...next.querySelectorAll("code"));
    const section = { order, title: (link ?? heading).textContent.replace(/¶$/, ""),
                      address: link ? link.href : `#${heading.id}` };
    section.messages = elements.map((element) => ({ section, words: words(element.textContent) }));
    return section;
  });
  const having = new Map();  // a word: the messages that have it
  for (const message of sections.flatMap(({ messages }) => messages))
    for (const word of message.words) having.set(word, [...(having.get(word) ?? []), message]);
  const rarity = (count) => Math.log(1 + sections.length / count);
  const weights = new Map([...having].map(([word, all]) => [word, rarity(new Set(all.map(({ section }) => section)).size)]));
  const weight = (all) => all.reduce((sum, word) => sum + (weights.get(word) ?? rarity(1)), 0);
  for (const message of sections.flatMap(({ messages }) => messages))
    message.weight = Math.max(LEAST, weight(message.words));

  function find(text) {
    const scores = new Map();
    for (const line of new Set(text.split("\n"))) {
      const said = words(line), whole = weight(said), shared = new Map();
      for (const word of said)
        for (const message of having.get(word) ?? []) shared.set(message, (shared.get(message) ?? 0) + weights.get(word));
      for (const [{ section, weight }, common] of shared) {
        const part = common / Math.min(whole, weight);
        const score = common * part + (shared.get(section.messages[0]) ?? 0);  // a heading says what it is about
        if (part >= ENOUGH) scores.set(section, Math.max(score, scores.get(section) ?? 0));
      }
    }
    return [...scores].sort(([one, a], [other, b]) => b - a || one.order - other.order).slice(0, SHOWN)
      .map(([section]) => section);
  }

  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.line.addEventListener("input", ({ target }) => {
    const links = find(target.value).map(({ title, address }) => {
      const link = document.createElement("a");
      link.href = address;
      link.textContent = title;
      return link;
    });
    status.replaceChildren(...links.flatMap((link, i) => (i ? [document.createElement("br"), link] : [link])));
    if (!links.length && target.value.trim()) status.textContent = "No section has these words.";
  });
});
