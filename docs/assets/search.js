// What people type into the search, made into what its index can find. The theme sends the query to a worker, which
// answers with results; here the query is changed on its way, and asked again more loosely where nothing came back.

const QUERY = 2, RESULT = 3; // the theme's own numbers of these messages
// Not in the index, which leaves them out as lunr.js does, or said in any question.
const SMALL = new Set(`
  a able about across after all almost also am among an and any are as at be because been between but by can
  cannot could dear did difference do does either else ever every for from get got had has have he her hers
  him his how however i if in into is it its just least let like likely may me mean might most must my neither
  no nor not of off often on only or other our own rather said same say says she should since so some than
  that the their them then there these they this to too twas us use vs wants was we were what when where which
  while who whom why will with would yet you your
`.trim().split(/\s+/));
// Said by people, and otherwise by this site.
const ALSO = {
  gil: "global interpreter lock", http2: "http 2", http3: "http 3", subpath: "prefix", subdirectory: "prefix", apps: "app",
  versus: "", websockets: "websocket", sse: "server sent events", workers: "worker", threads: "thread", async: "asyncio",
};

// The words of a query: lower case, without signs that the index does not have, and without small words if others stay.
function words(typed) {
  const all = typed.toLowerCase().split(/[\s\-_,:;!?=[\]()"'`/<>+*^~]+|\.(?!\d)/).filter(Boolean);
  const large = all.filter((word) => !SMALL.has(word));
  return (large.length ? large : all).flatMap((word) => (ALSO[word] ?? word).split(" ")).filter(Boolean);
}

// All of the words; then all of them as beginnings of words; then any of them.
const STRICTNESS = [(word) => `+${word}`, (word) => `+${word}*`, (word) => `${word}*`];

const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  const asked = message?.type === QUERY && typeof message.data === "string";  // another theme asks in another way
  if (!asked) return post.call(this, message, ...rest);
  const found = words(message.data);
  let tried = 0;
  const ask = () => post.call(this, { ...message, data: found.map(STRICTNESS[tried]).join(" ") });
  this.again?.abort();
  this.again = new AbortController();
  this.addEventListener("message", ({ data }) => {
    if (data.type === RESULT && !data.data.items.length && ++tried < STRICTNESS.length) ask();
  }, this.again);
  ask();
};
