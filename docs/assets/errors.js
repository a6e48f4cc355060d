// The box on the page of errors: which section has most of the words of a line, the rare ones counting more. Nothing
// that is pasted leaves the page.

document.querySelectorAll("form.finder").forEach((form) => {
  const SHOWN = 3;  // sections, at most
  const ENOUGH = 0.25;  // of the weight of the line: less is chance
  const words = (text) => new Set(text.toLowerCase().match(/[a-z_]{2,}|\d{2,}/g));
  const sections = [...document.querySelectorAll(".md-content h2[id], .finder-more li")].map((heading) => {
    let text = heading.textContent;
    for (let next = heading.nextElementSibling; next && !next.matches("h2"); next = next.nextElementSibling)
      if (next.matches(".table")) text += " " + next.textContent;
    const link = heading.querySelector("a:not(.headerlink)");
    return { title: heading.firstChild.textContent && (link ?? heading).textContent.replace(/¶$/, ""),
             address: link ? link.href : `#${heading.id}`, head: words(heading.textContent), all: words(text) };
  });
  const weight = (word) => {
    const having = sections.filter(({ all }) => all.has(word)).length;
    return having ? Math.log(1 + sections.length / having) : 0;
  };
  const status = form.querySelector("[role=status]");

  function find(line) {
    const said = [...words(line)].map((word) => [word, weight(word)]);
    const whole = said.reduce((sum, [, each]) => sum + each, 0);
    return sections
      .map((each) => [said.reduce((sum, [word, many]) =>
        sum + many * (each.all.has(word) + each.head.has(word)), 0), each])
      .filter(([score]) => whole && score > whole * ENOUGH)
      .sort(([one], [other]) => other - one).slice(0, SHOWN).map(([, each]) => each);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.line.addEventListener("input", ({ target }) => {
    const found = find(target.value.slice(0, 5000));
    const links = found.map(({ title, address }) => {
      const link = document.createElement("a");
      link.href = address;
      link.textContent = title;
      return link;
    });
    status.replaceChildren(...links.flatMap((link, i) => (i ? [document.createElement("br"), link] : [link])));
    if (!links.length && target.value.trim()) status.textContent = "No section has these words.";
  });
});
