// The laboratory's engine: the museum's Python in a worker of this page. See lab.js for what an engine is.

const folder = new URL("../lab/python/", import.meta.url).href;

export const engine = {
  programs: true,
  worker: null,
  waiting: new Map(),
  number: 0,

  start(tell) {
    this.started ??= new Promise((resolve, reject) => {
      // Made of a blob the worker is under the rules of this page: what runs in it can ask nobody but this site.
      const place = URL.createObjectURL(
        new Blob([`import ${JSON.stringify(new URL("lab-worker.js", import.meta.url).href)};`], { type: "text/javascript" }));
      this.worker = new Worker(place, { type: "module" });
      this.worker.onmessage = ({ data }) => {
        if (data.of) tell?.(data);
        else if (data.ready) resolve();
        else if (data.failed) this.end(data.failed);
        else this.hear(data);
      };
      this.worker.onerror = (event) => this.end(event.message || "the worker could not be started");
      this.worker.postMessage({ folder });
      this.giveUp = reject;
    });
    return this.started;
  },

  async ask(question) {
    const text = JSON.stringify(question) ?? "null";
    await this.start();
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.number, { resolve, reject });
      this.worker.postMessage({ id: this.number, text });
    });
  },

  hear({ id, answer, error }) {
    const asked = this.waiting.get(id);  // a program can post messages too
    this.waiting.delete(id);
    error ? asked?.reject(new Error(error)) : asked?.resolve(answer);
  },

  stop() {
    this.end("stopped");
  },

  // End what runs, whatever it does, and say why to all who wait; the next question starts anew.
  end(why) {
    const error = new Error(why), pending = [...this.waiting.values()];
    this.worker?.terminate();
    this.worker = this.started = null;
    this.waiting.clear();
    this.giveUp?.(error);
    for (const { reject } of pending) reject(error);
  },
};
