// The form on the page "Which server": which of the cases below it fits, and the numbers of its command. The address
// says what was asked, after #. What it does with the numbers, exhibits/backstage/site/which.py does as well.

document.querySelectorAll("form.which").forEach((form) => {
  const CONNECTIONS = 1000;  // that gunicorn's greenlets, and 1,024 open files, have room for
  const cases = [...document.querySelectorAll(".which-case")];
  const answer = document.querySelector(".which-answer");
  const [status, why] = answer.children;
  const said = (number) => number.toLocaleString("en-GB", { maximumFractionDigits: 2 });
  const many = (number, word) => `${said(number)} ${word}${number === 1 ? "" : "s"}`;

  function filled({ workers }, { rate, seconds, cores, memory, worker }) {
    const room = Math.floor(memory / worker);
    const count = workers === "cores" ? Math.max(1, Math.min(cores, room)) : 1;
    const each = rate * seconds / count;
    const threads = Math.ceil(each + 2 * Math.sqrt(each));
    return { room, workers: count, threads, connections: Math.max(CONNECTIONS, threads) };
  }

  function sentences(found, { does, rate, seconds, cores, worker }, { room, workers, threads }) {
    const load = rate * seconds;
    const told = [`${many(rate, "request")} in a second × ${said(seconds)} s are ${said(load)} at once.`];
    if (does === "compute") {
      told.push(load > cores ? `That is work for ${said(Math.ceil(load))} cores, and there are ${said(cores)}: the queue ` +
        "grows without end, whatever the server. Less work, fewer requests or more cores help."
        : `That keeps ${said(load)} of ${many(cores, "core")} busy.`);
    } else {
      const place = found.command.includes("{threads}") ? "thread" : "place";
      told.push(`As they do not come evenly, that is ${many(workers, "worker")} with ${many(threads, place)}` +
        (workers > 1 ? " each." : "."));
      if (threads > CONNECTIONS) told.push(`Each is an open file: ulimit -n has to be more than ${said(threads)}.`);
    }
    if (room < 1) told.push(`But one worker of ${said(worker)} MiB does not fit into the memory.`);
    else if (found.workers === "cores" && room < cores) told.push(`The memory has room for ${many(room, "worker")}.`);
    return told;
  }

  function element(kind, text) {
    const made = document.createElement(kind);
    made.textContent = text;
    return made;
  }

  function show() {
    if (!form.checkValidity()) return status.replaceChildren(element("p", "Each of these has to be a number above zero."));
    const asked = Object.fromEntries(new FormData(form));
    for (const { name, type, value } of form.elements) if (type === "number") asked[name] = Number(value);
    const section = cases.find(({ dataset }) => dataset.does.split(" ").includes(asked.does) &&
      dataset.call.split(" ").includes(asked.call) && filled(dataset, asked).threads <= (dataset.most || Infinity));
    const found = section.dataset;
    const numbers = filled(found, asked);
    const block = element("pre", "");
    block.append(element("code", found.command.replace(/\{(\w+)\}/g, (_, name) => numbers[name])));
    block.tabIndex = 0;
    status.replaceChildren(block, ...sentences(found, asked, numbers).map((each) => element("p", each)));
    const link = element("a", "This case, and how to install it");
    link.href = `#${found.name}`;
    const last = element("p", "");
    last.append(link);
    why.replaceChildren(section.querySelector(".why").cloneNode(true), last);
  }

  function read() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !asked.has("does")) return;  // a section of the page
    form.reset();
    for (const [name, value] of asked) if (form.elements[name]) form.elements[name].value = value;
    show();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  form.addEventListener("change", () => {  // an entry of its own in the history, so that Back undoes it
    if (form.checkValidity()) location.hash = new URLSearchParams(new FormData(form));
  });
  addEventListener("hashchange", read);
  show();
  read();
});
