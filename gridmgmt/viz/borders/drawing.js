// Small tools for drawing: elements, colours, words. No state.

const SVG = "http://www.w3.org/2000/svg";
// From the fewest households in the band to the most; grey is a dedicated grid, red is outside the band.
const SHADES = ["#dfeaf2", "#bcd5e7", "#93bbd8", "#659cc4", "#3a7aab"];
const DEDICATED = "#d8d3c8";
const OUTSIDE = "#d4523a";

function svg(tag, attributes = {}, parent = null) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

function html(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function shade(cell, band) {
  if (!cell.duty) return DEDICATED;
  const [low, high] = band;
  if (cell.demand < low || cell.demand > high) return OUTSIDE;
  const step = Math.floor(((cell.demand - low) / Math.max(high - low, 1e-9)) * SHADES.length);
  return SHADES[Math.min(step, SHADES.length - 1)];
}

// The end of a code is enough on the map: the rest is that of the community.
function shortName(cell) {
  return cell.name.includes("+") ? `+${cell.name.split("+")[1]}` : cell.name.slice(-3);
}

function plain(value) {
  return Math.round(value).toLocaleString("en");
}

function share(value) {
  return `${(value * 100).toFixed(1)} %`;
}

function worded(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
