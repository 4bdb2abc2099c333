// The hand on the map: pointer and keys become choices, orders and movements of the view.

const TOOLS = ["border", "line", "pan"];
const LEAST_DRAG_PX = 5;

class Hand {
  // `desk` is told: chosen(), pointed(), preview(), ask(order), give(n), shortcut(key).
  constructor(map, desk) {
    Object.assign(this, { map, desk, tool: "border", chosen: new Set(), cursor: null, press: null });
    const { root } = map;
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.moved(event));
    root.addEventListener("pointerup", (event) => this.up(event));
    root.addEventListener("pointercancel", () => this.drop());
    root.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = root.getBoundingClientRect();
      map.zoom(Math.exp(-event.deltaY / 400), [event.clientX - box.left, event.clientY - box.top]);
    }, { passive: false });
    root.addEventListener("contextmenu", (event) => event.preventDefault());
    root.addEventListener("keydown", (event) => this.key(event));
  }

  choose(atoms) {
    this.chosen = new Set(atoms);
    this.map.outline(this.map.chosen, this.chosen);
    this.map.outline(this.map.wrong, []);
    this.desk.chosen();
  }

  toggle(atom) {
    const next = new Set(this.chosen);
    if (!next.delete(atom)) next.add(atom);
    this.point(atom);
    this.choose(next);
  }

  point(atom) {
    this.cursor = atom;
    this.map.outline(this.map.cursor, atom === null ? [] : [atom]);
  }

  cellsChosen() {
    return [...new Set([...this.chosen].map((atom) => this.map.state.label[atom]))];
  }

  down(event) {
    this.map.root.focus({ preventScroll: true });
    const atom = this.map.atomAt(event);
    const pan = this.tool === "pan" || event.button !== 0 || atom === null;
    this.press = {
      at: [event.clientX, event.clientY], last: [event.clientX, event.clientY], atom, far: false,
      kind: pan ? "pan" : this.tool, taken: new Set(), line: [this.map.metres(event)],
    };
    this.map.root.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const { press } = this;
    if (!press) return;
    const [x, y] = press.at;
    press.far ||= Math.hypot(event.clientX - x, event.clientY - y) > LEAST_DRAG_PX;
    if (!press.far) return;
    if (press.kind === "pan") this.map.pan(event.clientX - press.last[0], event.clientY - press.last[1]);
    else if (press.kind === "line") this.draw(event);
    else this.sweep(event);
    press.last = [event.clientX, event.clientY];
  }

  // Drag from a cell across its border: what is swept over will be its own.
  sweep(event) {
    const { label } = this.map.state;
    const mine = label[this.press.atom];
    const [fromX, fromY] = this.press.last;
    const steps = Math.max(1, Math.ceil(Math.hypot(event.clientX - fromX, event.clientY - fromY) / 4));
    for (let step = 1; step <= steps; step += 1) {
      const atom = this.map.atomAt({
        clientX: fromX + ((event.clientX - fromX) * step) / steps,
        clientY: fromY + ((event.clientY - fromY) * step) / steps,
      });
      if (atom !== null && label[atom] !== mine) this.press.taken.add(atom);
    }
    this.map.outline(this.map.taken, this.press.taken);
    this.desk.preview(mine, this.press.taken);
  }

  draw(event) {
    this.press.line.push(this.map.metres(event));
    this.map.drawn.setAttribute("d", `M${this.press.line.map((place) => place.join(" ")).join("L")}`);
  }

  up(event) {
    this.moved(event);
    const { press } = this;
    this.drop();
    if (!press) return;
    if (press.kind === "pan") {
      if (!press.far && press.atom === null) this.choose([]);
      this.map.place();
    } else if (!press.far) this.toggle(press.atom);
    else if (press.kind === "line") this.follow(press.line, press.atom);
    else if (press.taken.size) {
      this.point(press.atom);
      this.desk.pointed();
      this.desk.ask({ action: "move", atoms: [...press.taken], cell: this.map.state.label[press.atom] });
    }
  }

  // Let go of whatever is being dragged.
  drop() {
    this.press = null;
    this.map.outline(this.map.taken, []);
    this.map.drawn.setAttribute("d", "");
    this.desk.preview(null, new Set());
  }

  // A line through two chosen cells is their new border; any other splits the cell it runs through.
  follow(line, atom) {
    this.point(atom);
    this.desk.pointed();
    const cells = this.cellsChosen();
    if (cells.length === 2) this.desk.ask({ action: "redraw", one: cells[0], two: cells[1], line });
    else {
      const cell = cells.length === 1 ? cells[0] : this.map.state.label[atom];
      this.desk.ask({ action: "split", cell, line });
    }
  }

  // Atoms by arrow keys: the neighbour that lies most in that direction.
  step(dx, dy) {
    const { atoms } = this.map.scene;
    if (this.cursor === null) {
      this.point(0);
      return;
    }
    const here = atoms[this.cursor];
    const best = this.map.neighbours[this.cursor]
      .map((atom) => {
        const [x, y] = [atoms[atom].x - here.x, atoms[atom].y - here.y];
        return [(x * dx + y * dy) / Math.max(Math.hypot(x, y), 1e-9), atom];
      })
      .sort((one, two) => two[0] - one[0])[0];
    if (best && best[0] > 0.2) this.point(best[1]);
    this.desk.pointed();
  }

  key(event) {
    const command = event.ctrlKey || event.metaKey;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (arrows[name] && event.shiftKey) this.map.pan(...arrows[name].map((way) => -60 * way));
    else if (arrows[name]) this.step(...arrows[name]);
    else if ((name === " " || name === "Enter") && this.cursor !== null) this.toggle(this.cursor);
    else if (name === "Escape") this.choose([]);
    else if (name === "+" || name === "=") this.map.zoom(1.3);
    else if (name === "-") this.map.zoom(1 / 1.3);
    else if (name === "0") this.map.fit();
    else if (/^[1-9]$/.test(name)) this.desk.give(Number(name) - 1);
    else if (name === "z") this.desk.ask({ action: event.shiftKey ? "redo" : "undo" });
    else if (name === "y") this.desk.ask({ action: "redo" });
    else if (!command && this.desk.shortcut(name)) ;
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
