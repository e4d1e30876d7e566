// Answers on their way: kept in this browser until the server says that they are on its disk, and sent again if not.

const AGAIN_MS = 3000;

export class Outbox {
  /** base: the rater's address; changed(): called whenever something was taken or failed. */
  constructor(name, rater, base, changed) {
    Object.assign(this, { base, changed, key: `palate-listen-${name}-${rater}`, sending: null, trouble: "" });
  }

  get waiting() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      return [];
    }
  }

  keep(answers) {
    if (answers.length) localStorage.setItem(this.key, JSON.stringify(answers));
    else localStorage.removeItem(this.key);
  }

  /** Takes an answer; it has its id before it is sent, so that the server counts it once however often it arrives. */
  add(answer) {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.keep([...this.waiting, { id, ...answer }]);
    return this.flush();
  }

  /** Sends what waits, in order; ends when nothing waits. */
  flush() {
    this.sending ??= this.work().finally(() => (this.sending = null));
    return this.sending;
  }

  async work() {
    for (let next; (next = this.waiting[0]); ) {
      const problem = await this.post(next);
      this.trouble = problem;
      if (!problem) this.keep(this.waiting.filter((one) => one.id !== next.id));
      this.changed();
      if (problem) await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }

  async post(answer) {
    try {
      const reply = await fetch(`${this.base}/answers`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer),
      });
      if (reply.ok) return "";
      const said = (await reply.json().catch(() => ({}))).detail ?? `The server said ${reply.status}.`;
      if (reply.status === 422) { // it will never fit: the test was made again under this name
        this.keep(this.waiting.filter((one) => one.id !== answer.id));
      }
      return said;
    } catch {
      return "No connection. Your answers are kept here and sent as soon as it is back.";
    }
  }
}
