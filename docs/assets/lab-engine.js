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
        else if (data.failed) reject(new Error(data.failed));
        else this.hear(data);
      };
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker could not be started"));
      this.worker.postMessage({ folder });
      this.giveUp = reject;
    });
    this.started.catch(() => this.end());
    return this.started;
  },

  async ask(question) {
    await this.start();
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.number, { resolve, reject });
      this.worker.postMessage({ id: this.number, question });
    });
  },

  hear({ id, answer, error }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    error ? reject(new Error(error)) : resolve(answer);
  },

  // End what runs, whatever it does; the next question starts anew.
  stop() {
    const pending = [...this.waiting.values()];
    this.giveUp?.(new Error("stopped"));
    this.end();
    for (const { reject } of pending) reject(new Error("stopped"));
  },

  end() {
    this.worker?.terminate();
    this.worker = this.started = null;
    this.waiting.clear();
  },
};
