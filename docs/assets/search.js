// What people type into the search, made into what its index can find, and what is found put into a better order. The
// theme sends the query to a worker, which answers with results. Here the query is changed on its way, asked again for
// any of its words where few pages have all, and the results are sorted before the theme sees them.

const SETUP = 0, QUERY = 2, RESULT = 3; // the theme's own numbers of these messages
// Not in the index, which leaves them out as lunr.js does, or said in any question, or of everything here.
const SMALL = new Set(`
  a able about across after all almost also always am among an and any are as at be because been between but by can
  cannot could dear did difference do does either else ever every example for from get got had has have he her hers
  him his how however i if in into is it its just least let like likely may me mean might most must my neither
  no nor not of off often on only or other our own python rather said same say says she should since so some than
  still that the their them then there these they this to too twas us use using versus vs wants was we were what when
  where which while who whom why will with working would yet you your
`.trim().split(/\s+/));
// Said by people, and otherwise by this site.
const ALSO = {
  gil: "global interpreter lock", http2: "http 2", http3: "http 3", subpath: "prefix", subdirectory: "prefix",
  sse: "server sent events", async: "asyncio", deployment: "deploy",
};
const LONGEST = 500; // characters of a query: each of its words is looked for in all texts, and cut at each letter
const BREAKS = /[\s\-_,:;!?=[\](){}"'`/<>+*×^~$%@|]+|\.(?!\d)/;

// The words of a query: lower case, without signs that the index does not have, and without small words if others stay.
function words(typed) {
  const all = typed.slice(0, LONGEST).toLowerCase().split(BREAKS).filter(Boolean);
  const large = all.filter((word) => !SMALL.has(word));
  return mended((large.length ? large : all).flatMap((word) => (ALSO[word] ?? word).split(" ")).filter(Boolean));
}

// Two words that are one here ("fast cgi"), and one word that is two ("contentlength").
function mended(list) {
  for (let i = 1; i < list.length; i++)
    if (titles.includes(` ${list[i - 1]}${list[i]} `) && !titles.includes(` ${list[i - 1]} ${list[i]} `))
      list.splice(i - 1, 2, list[i - 1] + list[i]);
  return list.flatMap((word) => {
    const where = texts.includes(` ${word}`) ? titles : texts;
    if (titles.includes(` ${word}`)) return word;
    for (let at = word.length - 2; at > 1; at--) {
      const parts = [word.slice(0, at), word.slice(at)];
      if (where.includes(` ${parts.join(" ")} `)) return parts;
    }
    return word;
  });
}

const stem = (word) => word.replace(/(?<=\w{2})(\w)\1(ing|ed)$/, "$1").replace(/(?<=\w{4})(ings?|e[ds]|s|ly|ment)$/, "");
// A word, or one that begins so; instead of a word that is not here, one that is a letter or two away. Of a long word
// those are so many that lunr.js is at it for seconds.
function here(word) {
  const known = word.length < 4 || word.length > 24 || texts.includes(` ${stem(word)}`);
  return known ? `${signs(stem(word))}*` : `${signs(word)}~${word.length < 8 ? 1 : 2}`;
}
// In which ways a query is asked, one after the other, until so many pages have what it asks for: all its words, any.
const WAYS = [[3, (word) => `+${here(word)}`], [0, here]];

// The index of lunr.js takes some beginnings for others where words have digits, since it writes its own numbers behind
// letters without a mark between them, and then the worker finds nothing at all. So it is given other signs for digits.
const SIGNS = "\u24EA\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468"; // 0 to 9, each in a circle
const signs = (text) => text.replace(/&#\w+;|\d/g, (found) => SIGNS[found] ?? found);
const digits = (text) => text.replace(new RegExp(`[${SIGNS}]`, "g"), (sign) => SIGNS.indexOf(sign));

const plain = (html) => {
  const all = html.replace(/<[^>]*>|&\w+;/g, " ").toLowerCase().split(BREAKS);
  return ` ${all.filter((word) => word && !SMALL.has(word)).join(" ")} `;
};
let titles = "", texts = ""; // of all sections
const pages = new Map(); // address of a page or section: its title and text, as words

// How well words fit to a section: each in the title or the text, rare ones counting more; side by side; a title that
// says nothing else; a page about them, and the more so the more it is marked as one to be found (`boost`).
function value(item, list, weight) {
  const { title, text } = pages.get(item.location);
  const page = pages.get(item.location.split("#")[0]);
  const has = (where, word) => where.includes(` ${word} `) ? 1 : where.includes(` ${stem(word)}`) ? 0.7 : 0;
  const share = (where) => list.reduce((sum, word) => sum + has(where, word), 0);
  const sum = list.reduce((sum, word) => sum + weight(word) * (3 * has(title, word) + has(text, word)), 0);
  const phrase = ` ${list.join(" ")} `;
  const together = list.length < 2 ? 0 : title.includes(phrase) ? 3 : text.includes(phrase) ? 1 : 0;
  return sum + list.length * together + 2 * share(title) / title.trim().split(" ").length
    + share(page.title) / list.length * (1 + Math.log(page.boost ?? 1)) + 0.45 * Math.log(page.boost ?? 1) + 0.05 * Math.log(item.score || 1);
}

function sort(groups, list) {
  const having = (word) => groups.filter((group) => group.some(({ location }) => {
    const { title, text } = pages.get(location);
    return (title + text).includes(` ${stem(word)}`);
  })).length;
  const weights = new Map(list.map((word) => [word, Math.log(1 + groups.length / (having(word) || Infinity))]));
  const values = new Map(groups.flat().map((item) => [item, value(item, list, (word) => weights.get(word))]));
  const best = (group) => Math.max(...group.map((item) => values.get(item)));
  for (const group of groups) group.sort((one, other) => values.get(other) - values.get(one));
  groups.sort((one, other) => best(other) - best(one));
}

const post = Worker.prototype.postMessage, listen = Worker.prototype.addEventListener;

Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.type === SETUP && message.data?.docs) {
    for (const { location, title, text, boost } of message.data.docs)
      pages.set(location, { title: plain(title), text: plain(text), boost });
    titles = [...pages.values()].map(({ title }) => title).join("|");
    texts = [...pages.values()].map(({ text }) => text).join("|");
    const config = { ...message.data.config };
    config.separator = config.separator.replace("\\d", `[${SIGNS}]`);
    const docs = message.data.docs.map((doc) => ({ ...doc, title: signs(doc.title), text: signs(doc.text) }));
    return post.call(this, { ...message, data: { ...message.data, config, docs } }, ...rest);
  }
  const asked = message?.type === QUERY && typeof message.data === "string";  // another theme asks in another way
  if (!asked) return post.call(this, message, ...rest);
  ask(this, { message, list: words(message.data), left: [...WAYS] });
};

function ask(worker, question) {
  (worker.asked ??= []).push(question);  // it answers in this order
  const [enough, wanted] = question.left.shift();
  question.enough = enough;
  post.call(worker, { ...question.message, data: question.list.map(wanted).join(" ") });
}

// Ours is the first to hear an answer: the theme would show that there is nothing, while there is more to be asked.
Worker.prototype.addEventListener = function (type, ...rest) {
  if (type === "message" && !this.heard) {
    this.heard = true;
    listen.call(this, type, (event) => {
      const question = event.data?.type === RESULT ? this.asked?.shift() : undefined;
      if (!question) return;
      const items = event.data.data.items = JSON.parse(digits(JSON.stringify(event.data.data.items)));
      if (items.length >= question.enough) return sort(items, question.list);
      event.stopImmediatePropagation();
      ask(this, question);
    });
  }
  return listen.call(this, type, ...rest);
};
