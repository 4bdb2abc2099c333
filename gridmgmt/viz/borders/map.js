// The map: atoms shaded by the households of their cell, borders where neighbours part, faint streets beneath.

class StreetMap {
  constructor(scene, words) {
    this.scene = scene;
    this.words = words;
    this.scale = 1;
    this.shift = [0, 0];
    this.root = svg("svg", { class: "gm-map", tabindex: "0", role: "application", "data-testid": "map" });
    const defs = svg("defs", {}, this.root);
    this.hatch = svg("pattern", {
      id: "gm-frozen", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    }, defs);
    svg("path", { d: "M0 0V7", stroke: "#1b3a57", "stroke-width": 2.4, "stroke-opacity": 0.45 }, this.hatch);
    this.view = svg("g", {}, this.root);
    const under = svg("g", { class: "gm-under" }, this.view);
    svg("path", { d: scene.communities.map((one) => one.d).join(""), class: "gm-land" }, under);
    for (const layer of ["water", "lanes", "roads", "buildings"]) {
      if (scene.beneath[layer]) svg("path", { d: scene.beneath[layer], class: `gm-${layer}` }, under);
    }
    const atoms = svg("g", { class: "gm-atoms" }, this.view);
    this.atoms = scene.atoms.map((atom, n) => svg("path", { d: atom.d, "data-atom": n }, atoms));
    this.frozen = svg("path", { class: "gm-frozen", fill: "url(#gm-frozen)" }, this.view);
    this.borders = svg("path", { class: "gm-borders" }, this.view);
    svg("path", { d: scene.communities.map((one) => one.d).join(""), class: "gm-communities" }, this.view);
    this.taken = svg("path", { class: "gm-taken" }, this.view);
    this.chosen = svg("path", { class: "gm-chosen" }, this.view);
    this.wrong = svg("path", { class: "gm-wrong" }, this.view);
    this.cursor = svg("path", { class: "gm-cursor" }, this.view);
    this.drawn = svg("path", { class: "gm-drawn" }, this.view);
    this.labels = svg("g", { class: "gm-labels" }, this.view);
    this.neighbours = scene.atoms.map(() => []);
    for (const [a, b] of scene.borders) {
      this.neighbours[a].push(b);
      this.neighbours[b].push(a);
    }
  }

  // Shade, borders and labels of a state; only what differs from before is touched.
  show(state) {
    const cells = new Map(state.cells.map((cell) => [cell.number, cell]));
    const { label } = state;
    label.forEach((number, atom) => {
      const fill = shade(cells.get(number), this.scene.band);
      const path = this.atoms[atom];
      if (path.getAttribute("fill") !== fill) path.setAttribute("fill", fill);
      if (path.dataset.cell !== String(number)) path.dataset.cell = number;
    });
    const parted = this.scene.borders.filter(([a, b]) => label[a] !== label[b]);
    this.borders.setAttribute("d", parted.map((one) => one[2]).join(""));
    const kept = this.scene.atoms.filter((_, atom) => cells.get(label[atom]).frozen);
    this.frozen.setAttribute("d", kept.map((atom) => atom.d).join(""));
    this.state = state;
    this.cells = cells;
    this.label();
  }

  label() {
    const size = 1 / this.scale;
    this.labels.replaceChildren();
    for (const cell of this.state.cells) {
      const across = Math.sqrt(cell.m2) * this.scale;
      if (across < 30) continue;
      const mark = `${cell.frozen ? "❄" : ""}${shortName(cell)}${cell.changed ? "•" : ""}`;
      const group = svg("g", { transform: `translate(${cell.x} ${cell.y}) scale(${size})` }, this.labels);
      svg("text", { class: "gm-name", y: across < 46 ? 4 : -1 }, group).textContent = mark;
      if (across >= 46 && cell.duty) svg("text", { y: 12 }, group).textContent = plain(cell.demand);
    }
  }

  outline(layer, atoms) {
    layer.setAttribute("d", [...atoms].map((atom) => this.scene.atoms[atom].d).join(""));
  }

  // Fit the street, or some atoms, into the frame.
  fit(atoms = null) {
    const box = this.root.getBoundingClientRect();
    if (!box.width) return;
    let [west, north, east, south] = [0, 0, this.scene.width, this.scene.height];
    if (atoms) {
      const xs = atoms.map((atom) => this.scene.atoms[atom].x);
      const ys = atoms.map((atom) => this.scene.atoms[atom].y);
      [west, north, east, south] = [
        Math.min(...xs) - 180, Math.min(...ys) - 180, Math.max(...xs) + 180, Math.max(...ys) + 180,
      ];
    }
    this.scale = Math.min(box.width / (east - west), box.height / (south - north));
    this.shift = [
      box.width / 2 - ((west + east) / 2) * this.scale, box.height / 2 - ((north + south) / 2) * this.scale,
    ];
    this.place();
  }

  zoom(factor, at = null) {
    const box = this.root.getBoundingClientRect();
    const [x, y] = at ?? [box.width / 2, box.height / 2];
    const scale = Math.min(Math.max(this.scale * factor, 0.05), 20);
    this.shift = this.shift.map((shift, axis) => {
      const point = axis ? y : x;
      return point - ((point - shift) / this.scale) * scale;
    });
    this.scale = scale;
    this.place();
  }

  pan(dx, dy) {
    this.shift = [this.shift[0] + dx, this.shift[1] + dy];
    this.place(false);
  }

  place(relabel = true) {
    this.view.setAttribute("transform", `translate(${this.shift.join(" ")}) scale(${this.scale})`);
    // The hatch is as wide on the screen at any scale.
    this.hatch.setAttribute("patternTransform", `rotate(45) scale(${1 / this.scale})`);
    if (relabel && this.state) this.label();
  }

  // A place of the page in metres of the scene.
  metres(event) {
    const box = this.root.getBoundingClientRect();
    return [
      (event.clientX - box.left - this.shift[0]) / this.scale,
      (event.clientY - box.top - this.shift[1]) / this.scale,
    ];
  }

  atomAt(event) {
    const hit = this.root.getRootNode().elementFromPoint(event.clientX, event.clientY);
    const atom = hit?.dataset?.atom;
    return atom !== undefined && this.root.contains(hit) ? Number(atom) : null;
  }
}
