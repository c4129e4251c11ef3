"use strict";
/* What both pages share.  Data of the user goes into the page as text nodes alone. */

function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(e.style, value);
    else e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

const get = (o, ...path) => path.reduce((v, key) => (v === null || v === undefined ? undefined : v[key]), o);
const known = v => v !== null && v !== undefined;

/* Numbers for people. */
function short(v, digits = 4) {
  if (typeof v !== "number") return known(v) ? String(v) : "–";
  if (v === 0 || !isFinite(v)) return String(v);
  const a = Math.abs(v);
  if (a >= 1e7 || a < 1e-4) return v.toExponential(digits - 2);
  return Number.isInteger(v) ? v.toLocaleString("en") : Number(v.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 10 });
}
const percent = v => (known(v) ? (100 * v).toFixed(Math.abs(v) < 0.0995 ? 1 : 0) + " %" : "–");
function bytes(v) {
  if (!known(v)) return "–";
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(v) < 1024 || unit === "GiB") return short(v, 3) + " " + unit;
    v /= 1024;
  }
}
function seconds(v) {
  if (!known(v)) return "–";
  const a = Math.abs(v);
  if (a === 0) return "0 s";
  if (a < 1e-6) return short(v * 1e9, 3) + " ns";
  if (a < 1e-3) return short(v * 1e6, 3) + " µs";
  if (a < 1) return short(v * 1e3, 3) + " ms";
  if (a < 120) return short(v, 3) + " s";
  const m = Math.round(v / 60);
  return m < 60 ? `${Math.floor(v / 60)} min ${Math.floor(v % 60)} s` : m < 120 ? m + " min" : m < 2880 ? Math.floor(m / 60) + " h " + m % 60 + " min" : short(m / 1440, 3) + " days";
}

/* The two schemes: as the system has it, until the button says otherwise. */
const scheme = window.matchMedia("(prefers-color-scheme: dark)");
const themed = [];
let wanted = null;
function applyTheme() {
  document.documentElement.dataset.theme = wanted || (scheme.matches ? "dark" : "light");
  for (const f of themed) f();
}
scheme.addEventListener("change", applyTheme);
const themeButton = () => el("button", { type: "button", id: "theme", class: "right", onclick: () => {
  wanted = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  applyTheme();
} }, "light / dark");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const series = i => colour("c" + i % 8);
const faded = (c, share) => c + Math.round(255 * share).toString(16).padStart(2, "0");

/* Charts are kept by name, so that what comes anew goes into the one that is there. */
const charts = new Map();

/* A rectangle drawn with the mouse along x is zoomed into; a double click shows all. */
const dragZoom = {
  id: "dragZoom",
  afterInit(chart) {
    const canvas = chart.canvas;
    let from = null;
    const at = event => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointerdown", event => { if (event.pointerType === "mouse" && event.button === 0) from = at(event); });
    canvas.addEventListener("pointermove", event => { chart.$zoom = from === null ? null : [from, at(event)]; if (from !== null) chart.draw(); });
    window.addEventListener("pointerup", event => {
      if (from === null) return;
      const [a, b] = [from, at(event)].sort((p, q) => p - q), x = chart.scales.x;
      from = chart.$zoom = null;
      if (b - a > 6) {
        chart.options.scales.x.min = x.getValueForPixel(Math.max(a, x.left));
        chart.options.scales.x.max = x.getValueForPixel(Math.min(b, x.right));
      }
      chart.update("none");
    });
    canvas.addEventListener("dblclick", () => {
      delete chart.options.scales.x.min;
      delete chart.options.scales.x.max;
      chart.update("none");
    });
  },
  afterDraw(chart) {
    if (!chart.$zoom) return;
    const { top, bottom } = chart.chartArea, c = chart.ctx;
    c.fillStyle = faded(colour("accent"), 0.15);
    c.fillRect(chart.$zoom[0], top, chart.$zoom[1] - chart.$zoom[0], bottom - top);
  },
};

function scale(options) {
  return {
    type: "linear", grid: { color: colour("line"), borderColor: colour("line") }, ...options,
    title: { display: !!options.name, text: options.name, color: colour("quiet"), font: { size: 12 } },
    ticks: { color: colour("quiet"), maxRotation: 0, autoSkipPadding: 14, callback: v => short(v, 3), ...options.ticks },
  };
}

/* make(): {type, data, options}, asked again whenever colours or data change. */
function chart(name, make, tall) {
  let c = charts.get(name);
  if (!c) {
    const canvas = el("canvas", { role: "img", "aria-label": name });
    c = { box: el("div", { class: tall ? "chart tall" : "chart" }, canvas), canvas, chart: null };
    charts.set(name, c);
  }
  c.make = make;
  queueMicrotask(() => refresh(c));
  return c.box;
}

function refresh(c) {
  const { type, data, options, plugins } = c.make();
  const all = { animation: false, maintainAspectRatio: false, normalized: true, parsing: false, ...options };
  all.plugins = { legend: { display: false }, ...all.plugins };
  if (!c.chart) {
    c.chart = new Chart(c.canvas, { type, data, options: all, plugins: [dragZoom, ...(plugins || [])] });
    return;
  }
  const x = c.chart.options.scales.x, [min, max] = x ? [x.min, x.max] : [];
  c.chart.data = data;
  c.chart.options = all;
  if (x && min !== undefined) Object.assign(c.chart.options.scales.x, { min, max });
  c.chart.update("none");
}
themed.push(() => { for (const c of charts.values()) refresh(c); });

function section(id, title, ...children) {
  return el("section", { id }, el("h2", {}, title), ...children);
}

/* Sections in their order, and the way to them. */
function show(sections) {
  const main = document.getElementById("main"), nav = document.getElementById("nav");
  const shown = sections.filter(s => s);
  main.replaceChildren(...shown);
  nav.replaceChildren(...shown.map(s => el("a", { href: "#" + s.id }, s.querySelector("h2").textContent)), themeButton());
}

/* rows: objects; columns: {title, value: row => for sorting, show: row => text or element, number}. */
function sortable(rows, columns, state, again) {
  const c = columns[state.by], sorted = [...rows];
  if (c) sorted.sort((a, b) => {
    const p = c.value(a), q = c.value(b);
    if (!known(p) || !known(q)) return known(q) - known(p);
    return (p < q ? -1 : p > q ? 1 : 0) * state.way;
  });
  const head = columns.map((column, i) => el("th", { class: column.number && "number", scope: "col",
    "aria-sort": i === state.by ? (state.way > 0 ? "ascending" : "descending") : undefined, title: column.help },
  el("button", { type: "button", onclick: () => {
    Object.assign(state, i === state.by ? { way: -state.way } : { by: i, way: column.number ? -1 : 1 });
    again();
  } }, column.title)));
  const body = sorted.slice(0, state.most || sorted.length).map(row => el("tr", { ...(state.row && state.row(row)) },
    columns.map(column => el("td", { class: column.number ? "number" : "long" }, column.show ? column.show(row) : short(column.value(row))))));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

window.addEventListener("error", event => {
  document.getElementById("main").prepend(el("p", { id: "errors" }, "This page has a fault: " + event.message));
});
const embedded = () => JSON.parse(document.getElementById("data").textContent);
