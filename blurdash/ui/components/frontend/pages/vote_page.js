// The phones' page. It is no part of the stage: it is loaded by vote.html alone.
//
// All it knows of a voter is a random word, made for this one ballot, so that a second tap replaces
// the first. The word and the last tap are kept in localStorage under one key, which the next
// ballot overwrites; where that is forbidden, in sessionStorage, and else only as long as the page
// is open. Text is set with textContent, and nothing of the address is shown.

const VOTE_POLL_MS = 2000;
const VOTE_SLOWEST_MS = 20000;
const VOTE_PATIENCE_MS = 8000;
const VOTE_KEY = "blurdash-vote";
const VOTE_SIDES = ["A", "B"];

class VoteMemory {
  constructor(code) {
    this.code = code;
    this.store = [() => window.localStorage, () => window.sessionStorage]
      .map(usableStore)
      .find(Boolean);
    const kept = this.read();
    this.voter = kept.voter ?? randomWord();
    this.round = kept.round ?? 0;
    this.choice = kept.choice ?? null;
    this.write();
  }

  read() {
    try {
      const kept = JSON.parse(this.store?.getItem(VOTE_KEY) ?? "{}");
      const sound =
        kept?.code === this.code &&
        /^[0-9a-f]{32}$/.test(kept.voter) &&
        Number.isInteger(kept.round) &&
        [0, 1, null].includes(kept.choice);
      return sound ? kept : {};
    } catch {
      return {};
    }
  }

  write() {
    const { code, voter, round, choice } = this;
    try {
      this.store?.setItem(VOTE_KEY, JSON.stringify({ code, voter, round, choice }));
    } catch {
      this.store = undefined; // full, or forbidden meanwhile: this page still knows
    }
  }
}

function usableStore(get) {
  try {
    const store = get();
    store.setItem(`${VOTE_KEY}-try`, "1");
    store.removeItem(`${VOTE_KEY}-try`);
    return store;
  } catch {
    return undefined;
  }
}

function randomWord() {
  // Not randomUUID: a page that came over plain http from the local network has none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class VotePage {
  constructor(root, address) {
    this.root = root;
    this.address = address;
    this.memory = new VoteMemory(address.split("/").pop().toUpperCase());
    this.status = root.querySelector(".status");
    this.buttons = [...root.querySelectorAll("button[data-choice]")];
    this.known = null; // the ballot's state as the server last said it
    this.wanted = null; // a tap that the server has not taken yet
    this.trouble = ""; // what keeps us from it
    this.isNewRound = false;
    this.failures = 0;
    this.isAsking = false;
    this.timer = 0;
    this.buttons.forEach((button, choice) => {
      button.onclick = () => this.tap(choice);
    });
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("online", () => this.wake());
    window.addEventListener("pageshow", () => this.wake());
  }

  tap(choice) {
    this.wanted = choice;
    this.trouble = "";
    this.paint();
    this.wake();
  }

  wake() {
    if (!document.hidden) this.plan(0);
  }

  plan(milliseconds) {
    clearTimeout(this.timer);
    if (this.root.dataset.state === "unknown" || document.hidden) return;
    this.timer = setTimeout(() => this.ask(), milliseconds);
  }

  // One question at a time: the tap if there is one, else how the ballot stands.
  async ask() {
    if (this.isAsking) return;
    this.isAsking = true;
    const sent = this.wanted;
    let wait = VOTE_POLL_MS * (0.75 + 0.5 * Math.random());
    try {
      const answer = sent === null ? await this.fetchState() : await this.sendVote(sent);
      // What stands between may answer too, and not in our words.
      const isOurs = answer.headers.get("Content-Type")?.startsWith("application/json");
      const body = isOurs ? await answer.json() : {};
      if (answer.ok && !isOurs) throw new Error("not the answer of this server");
      if (answer.status !== 429) this.failures = 0;
      wait = this.take(answer, body, sent) ?? wait;
    } catch {
      wait = this.backOff();
      this.trouble = "No connection. Trying again…";
    }
    this.isAsking = false;
    this.paint();
    const isNewTap = this.wanted !== null && this.wanted !== sent;
    this.plan(isNewTap ? 0 : wait);
  }

  fetchState() {
    const signal = AbortSignal.timeout(VOTE_PATIENCE_MS);
    return fetch(`${this.address}/state`, { signal, cache: "no-store" });
  }

  sendVote(choice) {
    return fetch(this.address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ voter: this.memory.voter, choice, round: this.known.round }),
      signal: AbortSignal.timeout(VOTE_PATIENCE_MS),
    });
  }

  // Returns the milliseconds to wait, where it is not the usual.
  take(answer, body, sent) {
    this.trouble = "";
    if (answer.ok) {
      if (sent !== null) this.counted(sent, body.round);
      this.learn(body);
      return undefined;
    }
    if (answer.status === 429) {
      if (sent !== null) this.trouble = "Too many votes at once. Yours is sent again in a moment…";
      const asked = 1000 * Number(answer.headers.get("Retry-After") ?? 1);
      // "slow" is about this phone alone; with the rest, the whole room is to come less often.
      return body.error === "slow" ? asked : Math.max(asked, this.backOff());
    }
    if (answer.status >= 500) throw new Error("the server has trouble");
    this.wanted = null;
    if (body.error === "unknown") this.root.dataset.state = "unknown";
    else if (body.error === "full") this.trouble = "This vote is full: it takes no more phones.";
    else if (body.error !== "closed" && body.error !== "round") {
      this.trouble = "Your vote was not taken. Load this page again.";
    }
    // Closed, or other pictures by now: ask at once how the ballot stands.
    return ["closed", "round"].includes(body.error) ? 0 : undefined;
  }

  counted(choice, round) {
    this.memory.choice = choice;
    this.memory.round = round;
    this.memory.write();
    this.isNewRound = false;
    if (this.wanted === choice) this.wanted = null;
  }

  learn(body) {
    const hadVoted = this.memory.choice !== null;
    if (this.memory.round !== body.round) {
      this.isNewRound = hadVoted || (this.known !== null && this.known.round !== body.round);
      this.memory.choice = null;
      this.memory.round = body.round;
      this.memory.write();
      this.wanted = null; // meant for the pictures before
    }
    this.known = body;
  }

  backOff() {
    this.failures += 1;
    const longest = Math.min(VOTE_SLOWEST_MS, VOTE_POLL_MS * 2 ** (this.failures - 1));
    return longest * (0.5 + 0.5 * Math.random());
  }

  paint() {
    const { known, wanted } = this;
    if (this.root.dataset.state === "unknown") return;
    const isOpen = known?.state === "open";
    const counts = known?.counts;
    this.root.dataset.state = counts ? "revealed" : (known?.state ?? "loading");
    this.root.toggleAttribute("data-trouble", this.trouble !== "");
    const shown = wanted ?? this.memory.choice;
    this.buttons.forEach((button, choice) => {
      button.disabled = !isOpen;
      button.setAttribute("aria-pressed", String(shown === choice));
      const count = button.querySelector(".count");
      count.hidden = !counts;
      count.textContent = counts ? String(counts[choice]) : "";
    });
    const text = this.trouble || this.describe();
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  describe() {
    const { known, wanted } = this;
    const side = VOTE_SIDES[this.memory.choice];
    if (known === null) return "One moment…";
    if (known.counts) {
      const [left, right] = known.counts;
      const own = side ? ` You voted ${side}.` : "";
      return `A ${left}, B ${right}.${own}`;
    }
    if (known.state === "closed") {
      return side ? `The vote is closed. You voted ${side}.` : "The vote is closed.";
    }
    if (wanted !== null) return "Sending…";
    if (side) return `Voted: ${side}. You can still change your mind.`;
    return this.isNewRound ? "New pictures: vote again." : "Not voted yet.";
  }
}

{
  const root = document.body;
  if (root.dataset.state !== "unknown") new VotePage(root, window.location.pathname).wake();
}
