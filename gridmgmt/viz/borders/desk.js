// The desk: map, card, tools and the line below them; what the planner asks for goes to Python, numbered.

class DeskView {
  constructor(model, el) {
    Object.assign(this, { model, busy: false, home: 0, note: null, previewed: null });
    this.words = (key) => model.get("texts")[model.get("language")][key] ?? key;
    this.scene = model.get("scene");
    this.map = new StreetMap(this.scene, this.words);
    this.card = new Card(this.scene, this);
    this.hand = new Hand(this.map, this);
    this.bar = html("div", { class: "gm-tools", role: "toolbar" });
    this.said = html("div", { class: "gm-said", role: "status", "aria-live": "polite", "data-testid": "said" });
    this.choice = html("div", { class: "gm-choice", "data-testid": "choice" });
    this.root = html("div", { class: "gm-desk", "data-testid": "desk", "data-lm-suppress-shortcuts": "true" }, [
      this.bar,
      html("div", { class: "gm-main", style: `height:${model.get("height_px")}px` }, [
        html("div", { class: "gm-frame" }, [this.map.root, this.choice]), this.card.root,
      ]),
      this.said,
    ]);
    // For the browser's console, and for tests that look for a border to drag.
    this.root.view = this;
    el.append(this.root);
    this.listen();
    this.show();
  }

  listen() {
    this.onState = () => this.show();
    this.onLanguage = () => this.show();
    this.model.on("change:state", this.onState);
    this.model.on("change:language", this.onLanguage);
    let fitted = false;
    this.watch = new ResizeObserver(() => {
      if (!fitted && this.map.root.getBoundingClientRect().width) {
        fitted = true;
        this.map.fit();
      }
    });
    this.watch.observe(this.map.root);
  }

  end() {
    this.model.off("change:state", this.onState);
    this.model.off("change:language", this.onLanguage);
    this.watch.disconnect();
  }

  show() {
    const state = this.model.get("state");
    const same = this.state && this.state.label.length === state.label.length;
    const moved = same && state.label.some((cell, atom) => cell !== this.state.label[atom]);
    this.state = state;
    this.busy = state.answered < (this.model.get("order").n ?? 0);
    this.map.show(state);
    this.map.root.setAttribute("aria-label", this.words("map"));
    this.root.lang = this.model.get("language") === "zh" ? "zh-CN" : "en";
    if (moved) this.hand.choose([]);
    this.map.outline(this.map.wrong, state.refusal?.atoms ?? []);
    this.card.show(state, this.home);
    this.tools();
    this.chosen();
    this.say();
  }

  ask(order) {
    if (this.busy) return;
    const n = (this.model.get("order").n ?? 0) + 1;
    this.busy = true;
    this.asked = order.action;
    this.tools();
    this.say();
    this.model.set("order", { ...order, n });
    this.model.save_changes();
  }

  // The line below: what was refused and why, what is going on, or how to go on.
  say() {
    const { state, words } = this;
    let [text, kind] = [words("hint"), "gm-hint"];
    if (this.busy) [text, kind] = [words("busy"), "gm-busy"];
    else if (state.fault) [text, kind] = [state.fault.message, "gm-refused"];
    else if (state.refusal) {
      const cells = state.refusal.cells.join(words("comma"));
      text = worded(words(`refused_${state.refusal.constraint}`), { cells });
      kind = "gm-refused";
    } else if (this.asked && state.answered) [text, kind] = [words(`did_${this.asked}`), "gm-done"];
    this.said.className = `gm-said ${kind}`;
    this.said.dataset.constraint = state.refusal?.constraint ?? "";
    this.said.textContent = text;
  }

  button(key, onclick, { pressed = null, disabled = false, label = null } = {}) {
    const made = html("button", {
      type: "button", "data-testid": `do-${key}`, title: this.words(`tip_${key}`), disabled: disabled || this.busy,
      onclick: () => {
        onclick();
        this.map.root.focus({ preventScroll: true });
      },
    }, [label ?? this.words(`do_${key}`)]);
    if (pressed !== null) made.setAttribute("aria-pressed", String(pressed));
    return made;
  }

  group(...buttons) {
    return html("span", { class: "gm-group" }, buttons);
  }

  tools() {
    const cells = this.hand.cellsChosen();
    const [none, one] = [cells.length === 0, cells.length === 1];
    const frozen = cells.length > 0 && cells.every((cell) => this.map.cells.get(cell)?.frozen);
    const use = (tool) => () => {
      this.hand.tool = tool;
      this.map.root.dataset.tool = tool;
      this.tools();
    };
    this.bar.replaceChildren(
      this.group(...TOOLS.map((tool) => this.button(tool, use(tool), { pressed: this.hand.tool === tool }))),
      this.group(
        this.button("undo", () => this.ask({ action: "undo" }), { disabled: !this.state.undo }),
        this.button("redo", () => this.ask({ action: "redo" }), { disabled: !this.state.redo }),
      ),
      this.group(
        this.button("split", () => this.run("split"), { disabled: !one }),
        this.button("halve", () => this.run("halve"), { disabled: !one }),
        this.button("merge", () => this.run("merge"), { disabled: cells.length < 2 }),
        this.button(frozen ? "thaw" : "freeze", () => this.run("freeze"), { disabled: none }),
      ),
      this.group(
        this.button("here", () => this.run("here")),
        this.button("all", () => this.run("all")),
      ),
      html("span", { class: "gm-space" }),
      this.group(
        this.button("in", () => this.map.zoom(1.4), { label: "＋" }),
        this.button("out", () => this.map.zoom(1 / 1.4), { label: "－" }),
        this.button("fit", () => this.map.fit()),
      ),
      this.group(this.button("language", () => {
        this.model.set("language", this.model.get("language") === "zh" ? "en" : "zh");
        this.model.save_changes();
      })),
    );
  }

  run(name) {
    const cells = this.hand.cellsChosen();
    const atoms = [...this.hand.chosen];
    const frozen = cells.every((cell) => this.map.cells.get(cell)?.frozen);
    if (name === "all") this.ask({ action: "reoptimise" });
    else if (name === "here") this.ask({ action: "reoptimise", communities: [this.scene.communities[this.home].code] });
    else if (name === "merge" && cells.length > 1) this.ask({ action: "merge", cells });
    else if (name === "freeze" && cells.length) this.ask({ action: frozen ? "thaw" : "freeze", cells });
    else if (name === "split" && cells.length === 1) this.ask({ action: "split", cell: cells[0], atoms });
    else if (name === "halve" && cells.length === 1) this.ask({ action: "split", cell: cells[0] });
  }

  shortcut(key) {
    const runs = { s: "split", h: "halve", m: "merge", f: "freeze", r: "here", a: "all" };
    const tools = { b: "border", l: "line", p: "pan" };
    if (runs[key]) this.run(runs[key]);
    else if (tools[key]) {
      this.hand.tool = tools[key];
      this.map.root.dataset.tool = tools[key];
      this.tools();
    } else return false;
    return true;
  }

  pointed() {
    if (this.hand.cursor !== null) this.turnTo(this.scene.atoms[this.hand.cursor].home);
  }

  turnTo(home) {
    if (home === this.home) return;
    this.home = home;
    this.card.show(this.state, home);
  }

  // What is chosen, and the neighbours that could take it: by click, or by the key of its number.
  chosen() {
    const atoms = [...this.hand.chosen];
    if (atoms.length) this.turnTo(this.scene.atoms[atoms.at(-1)].home);
    else this.pointed();
    this.takers = this.takersOf(atoms);
    this.tools();
    this.choice.replaceChildren();
    if (!atoms.length) return;
    const demand = atoms.reduce((sum, atom) => sum + this.scene.atoms[atom].demand, 0);
    this.choice.append(
      html("span", {}, [worded(this.words(this.takers.length ? "choice" : "choice_alone"), { atoms: atoms.length, demand: plain(demand) })]),
      ...this.takers.map((cell, n) => html("button", {
        type: "button", "data-testid": `give-${cell.name}`, title: cell.name, onclick: () => this.give(n),
      }, [html("kbd", {}, [n < 9 ? String(n + 1) : ""]), `${shortName(cell)} ${plain(cell.demand)} → ${
        plain(cell.demand + this.gain(atoms, cell))}`])),
    );
  }

  gain(atoms, cell) {
    const coming = atoms.filter((atom) => this.state.label[atom] !== cell.number);
    return coming.reduce((sum, atom) => sum + this.scene.atoms[atom].demand, 0);
  }

  takersOf(atoms) {
    const { label } = this.state;
    const homes = new Set(atoms.map((atom) => this.scene.atoms[atom].home));
    const near = new Set(atoms.flatMap((atom) => this.map.neighbours[atom]).map((atom) => label[atom]));
    const own = this.hand.cellsChosen();
    return [...near]
      .filter((number) => !(own.length === 1 && own[0] === number))
      .map((number) => this.map.cells.get(number))
      .filter((cell) => cell.duty && homes.size === 1 && homes.has(cell.home))
      .sort((one, two) => one.number - two.number);
  }

  give(n) {
    const cell = this.takers?.[n];
    if (cell) this.ask({ action: "move", atoms: [...this.hand.chosen], cell: cell.number });
  }

  // While a border is dragged: what both sides would have.
  preview(taker, atoms) {
    const shown = taker !== null && atoms.size > 0;
    if (!shown) {
      if (this.previewed) this.chosen();
      this.previewed = false;
      return;
    }
    this.previewed = true;
    const lost = new Map();
    for (const atom of atoms) {
      const cell = this.state.label[atom];
      lost.set(cell, (lost.get(cell) ?? 0) + this.scene.atoms[atom].demand);
    }
    const told = (number, change) => {
      const cell = this.map.cells.get(number);
      return `${shortName(cell)} ${plain(cell.demand)} → ${plain(cell.demand + change)}`;
    };
    const gained = [...lost.values()].reduce((sum, value) => sum + value, 0);
    const parts = [told(taker, gained), ...[...lost].map(([cell, value]) => told(cell, -value))];
    this.choice.replaceChildren(...parts.map((part) => html("span", { class: "gm-chip" }, [part])));
  }

  focus(number) {
    this.map.fit(this.state.label.flatMap((cell, atom) => (cell === number ? [atom] : [])));
  }
}

export default {
  render({ model, el }) {
    const view = new DeskView(model, el);
    return () => view.end();
  },
};
