// The report card beside the map: a light for each rule, figures with what they were, a bar for each cell.

const FIGURES = [
  ["deviation_max_share", share, -1], ["deviation_mean_share", share, -1], ["in_band_share", share, 1],
  ["gini", (value) => value.toFixed(3), -1], ["polsby_popper_mean", (value) => value.toFixed(3), 1],
  ["polsby_popper_min", (value) => value.toFixed(3), 1], ["border_on_line_share", share, 1],
  ["walking.mean_m", (value) => `${value.toFixed(0)} m`, -1], ["moved", plain, 0],
];

function figure(facts, name) {
  return name.split(".").reduce((found, part) => found?.[part], facts) ?? null;
}

class Card {
  // `desk` is asked for: words(key), focus(cell).
  constructor(scene, desk) {
    Object.assign(this, { scene, desk });
    this.root = html("aside", { class: "gm-card", "data-testid": "card" });
  }

  show(state, home) {
    this.root.replaceChildren(this.lights(state), this.figures(state), this.bars(state, home));
  }

  lights(state) {
    const { words } = this.desk;
    const rows = state.card.verdicts.map((verdict) => html("li", {
      class: verdict.passed ? "gm-good" : "gm-bad", "data-testid": `light-${verdict.name}`,
      "data-passed": String(verdict.passed), title: verdict.failing.join("\n"),
    }, [
      html("i", { "aria-hidden": "true" }),
      html("span", {}, [words(`rule_${verdict.name}`)]),
      html("b", {}, [verdict.passed ? words("holds") : worded(words("fails"), { count: verdict.count })]),
    ]));
    return html("section", {}, [html("h4", {}, [words("rules")]), html("ul", { class: "gm-lights" }, rows)]);
  }

  figures(state) {
    const { words } = this.desk;
    const rows = FIGURES.filter(([name]) => figure(state.card, name) !== null).map(([name, told, good]) => {
      const [now, then] = [figure(state.card, name), figure(state.opened, name)];
      const differs = told(now) !== told(then);
      const better = differs && good !== 0 ? (now - then) * good > 0 : null;
      return html("tr", { "data-testid": `figure-${name}` }, [
        html("td", {}, [words(name)]),
        html("td", { class: "gm-value" }, [told(now)]),
        html("td", { class: better === null ? "gm-then" : better ? "gm-then gm-better" : "gm-then gm-worse" }, [
          differs ? `${now > then ? "▲" : "▼"} ${worded(words("was"), { then: told(then) })}` : "",
        ]),
      ]);
    });
    const least = state.card.bound_max_share;
    return html("section", {}, [
      html("h4", {}, [words("figures")]),
      html("table", {}, [html("tbody", {}, rows)]),
      least > 0 ? html("p", { class: "gm-note" }, [worded(words("bound"), { least: share(least) })]) : null,
    ]);
  }

  bars(state, home) {
    const { words } = this.desk;
    const community = this.scene.communities[home];
    const cells = state.cells.filter((cell) => cell.home === home && cell.duty);
    const [low, high] = this.scene.band;
    const most = Math.max(high * 1.25, ...cells.map((cell) => cell.demand)) || 1;
    const across = (value) => `${Math.max(0, (value / most) * 100).toFixed(2)}%`;
    const rows = cells.map((cell) => html("button", {
      class: "gm-bar", type: "button", "data-testid": `bar-${cell.name}`, "data-demand": cell.demand,
      title: cell.name, onclick: () => this.desk.focus(cell.number),
    }, [
      html("span", { class: "gm-bar-name" }, [`${cell.frozen ? "❄" : ""}${shortName(cell)}${cell.changed ? "•" : ""}`]),
      html("span", { class: "gm-track" }, [
        html("span", { class: "gm-band", style: `left:${across(low)};width:${across(high - low)}` }),
        html("span", { class: "gm-fill", style: `width:${across(cell.demand)};background:${
          cell.demand < low || cell.demand > high ? OUTSIDE : SHADES[4]}` }),
        html("span", { class: "gm-mean", style: `left:${across(this.meanOf(cells))}` }),
      ]),
      html("span", { class: "gm-bar-value" }, [
        plain(cell.demand),
        html("small", {}, [` ${cell.deviation >= 0 ? "+" : "−"}${Math.abs(cell.deviation * 100).toFixed(0)} %`]),
      ]),
    ]));
    return html("section", { class: "gm-bars", "data-testid": "bars" }, [
      html("h4", {}, [worded(words("balance"), { name: community?.name ?? "" })]),
      ...rows,
      html("p", { class: "gm-note" }, [worded(words("band"), { low: plain(low), high: plain(high) })]),
    ]);
  }

  meanOf(cells) {
    return cells.reduce((sum, cell) => sum + cell.demand, 0) / Math.max(cells.length, 1);
  }
}
