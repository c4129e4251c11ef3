"use strict";
/* The page of a profile.  `data` is profile.json (docs/profile.md). */

const data = embedded();
const ui = { stage: 0, table: { by: 2, way: -1, most: 20 }, list: "kernels", filter: "", only: "", picked: null, zoom: "", colourBy: "operator", window: null };
const stage = () => data.stages[ui.stage];
/* A usual step: every kernel takes its median, so that one which other work on the machine interrupted is not the slowest; operators,
   functions and blocks take what their kernels take.  (The median is 0 where a kernel does not run in every step.) */
const usual = row => row.usual_s;
const shareOf = row => usual(row) / stage().usual_s;
const gflops = row => (known(row.flops) && usual(row) > 0 ? 1e-9 * row.flops / usual(row) : row.gflop_s);
const gbytes = row => (known(row.bytes) && usual(row) > 0 ? 1e-9 * row.bytes / usual(row) : row.gb_s);
const nearness = row => (known(get(row, "roofline", "least_s")) && usual(row) > 0 ? row.roofline.least_s / usual(row) : undefined);
for (const s of data.stages) {
  const sums = new Map(), add = (key, t) => sums.set(key, (sums.get(key) || 0) + t);
  s.usual_s = 0;
  for (const k of s.kernels || []) {
    s.usual_s += k.usual_s = get(k, "step_s", "median") || get(k, "step_s", "mean") || 0;
    add("operator " + k.operator, k.usual_s);
    add("kernel " + k.kernel, k.usual_s);
    const names = (k.scope || "").split(".");
    names.forEach((name, i) => add("block " + names.slice(0, i + 1).join("."), k.usual_s));
  }
  for (const o of s.operators || []) o.usual_s = sums.get("operator " + o.operator) || 0;
  for (const f of s.functions || []) f.usual_s = sums.get("kernel " + f.kernel) || 0;
  for (const b of s.blocks || []) b.usual_s = sums.get("block " + (b.block || "")) || 0;
}
const bounds = { compute: "arithmetic", memory: "memory", launch: "the cost of launches" };

/* Operators have the same colour everywhere. */
const tone = operator => {
  const i = (stage().operators || []).findIndex(o => o.operator === operator);
  return i < 0 ? colour("quiet") : series(i);
};
const nameOf = k => `${k.operator}${k.scope ? " of " + k.scope : ""}`;

/* ---- what it comes to ---- */

/* Why a row takes the time that it takes: which limit of the device counts, and how near it comes to that. */
function why(row, unit) {
  const r = row.roofline, roof = data.roofline, spread = row.step_s || {};
  if (!r || !roof) return " The device's limits were not measured, so how good that is cannot be said.";
  const each = usual(row) / row.calls_per_step, share = nearness(row);
  let text = ` It is bound by ${bounds[r.bound]}: `;
  if (r.bound === "launch") text += `a call takes ${seconds(each)}, and a launch in a full queue costs ${seconds(roof.launch_s)}, so fewer and larger launches would help, not a faster kernel.`;
  else {
    if (r.bound === "compute") text += `its ${short(row.flops / 1e9, 3)} GFLOP a ${unit} take ${seconds(r.least_s)} at the ${short(roof.fma_gflop_s, 3)} GFLOP/s that this device was measured to do at most; it does ${short(gflops(row), 3)}.`;
    else text += `its ${bytes(row.bytes)} a ${unit} take ${seconds(r.least_s)} at the ${short(roof.copy_gb_s, 3)} GB/s of a copy in this device's memory; it moves ${short(gbytes(row), 3)} GB/s.`;
    if (share > 1.05 && r.bound === "compute") text += " That is faster than the limit: operations are counted as the plain sums have them, and Winograd's transforms multiply less.";
    else if (share > 1.05) text += " That is faster than the limit: its data are still in a cache.";
    else if (share > 0.7) text += ` That is ${percent(share)} of the possible: only less work would make it much faster.`;
    else if (share > 0.35) text += ` That is ${percent(share)} of the possible.`;
    else text += ` That is ${percent(share)} of the possible: most of the time is the kernel's own doing, or that of other load on the machine.`;
  }
  if (spread.mean > 1.5 * usual(row))
    text += ` Its times vary: the mean is ${seconds(spread.mean)} a ${unit}; something interrupted it, such as other load on the machine.`;
  return text;
}

function verdict() {
  const s = stage(), longest = list => list.reduce((a, b) => (!a || usual(b) > usual(a) ? b : a), null), top = longest(s.operators || []), d = s.device, unit = s.unit || "step";
  if (!top) return null;
  const worst = longest((s.kernels || []).filter(k => k.operator === top.operator));
  const idle = d && d.wall_s > 0 ? (d.gap_s + d.edge_s) / d.wall_s : 0;
  return [el("p", { class: "verdict", id: "verdict" }, "The slowest operator is ", el("b", {}, top.operator), top.brief && ` (${top.brief})`, `: ${percent(shareOf(top))} of the kernels' time, ${seconds(usual(top))} a ${unit} in ${short(top.calls_per_step)} calls.`, why(top, unit),
    worst && ` The longest of its kernels is in ${worst.scope || "no block of the network"}: ${percent(shareOf(worst))}, ${seconds(usual(worst))}.`),
  idle > 0.15 && el("p", { class: "interrupted" }, `The device has nothing to do for ${percent(idle)} of a ${unit}: the host is busy for ${seconds(get(s.host, "busy_s"))} of ${seconds(d.wall_s)}, and waits for ${seconds(get(s.host, "wait_s"))}.`)];
}

function overview() {
  const s = stage(), w = s.wall || {}, d = s.device || {}, roof = data.roofline, unit = s.unit || "step", c = s.clock || {};
  const cells = [[seconds(get(w, "unprofiled_s", "median")), "a " + unit], [short(w.images_per_s, 4), "images a second"], [percent(d.busy_s / d.wall_s), "device busy"], [percent((d.gap_s + d.edge_s) / d.wall_s), "device idle"],
    [short(s.launches_per_step), "launches a " + unit], [bytes(get(s.memory, "peak_bytes")), "device memory"], [percent(w.cost), "cost of looking"], [percent(d.agreement), "busy + gaps ÷ wall"]];
  const facts = [["device", get(data.device, "name")], ["driver", [get(data.device, "platform"), get(data.device, "driver")].filter(known).join(", ")],
    ["measured limits", roof && `${short(roof.fma_gflop_s, 3)} GFLOP/s, ${short(roof.copy_gb_s, 3)} GB/s copied, ${short(roof.read_gb_s, 3)} GB/s read, ${seconds(roof.launch_s)} a launch`],
    ["steps", s.steps && `${s.steps.profiled} profiled, ${s.steps.unprofiled} unprofiled, ${s.steps.warm_up} before them to warm up, of ${short(s.batch)} samples`],
    ["clock", c.source && `${c.source === "device" ? "the device's" : "the host's"}${c.reason ? " (" + c.reason + ")" : ""}, ${short(c.rejected)} of ${short(c.checked)} stamps rejected`], ["config", get(data.config, "file")], ["overrides", (get(data.config, "overrides") || []).join(" ")]];
  return section("overview", "Overview", verdict(), el("div", { class: "cards" }, cells.filter(x => x[0] !== "–").map(([v, n]) => el("div", { class: "cell" }, el("b", {}, v), el("span", {}, n)))),
    el("details", {}, el("summary", {}, "how it was measured"), el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, facts.filter(f => f[1]).map(([k, v]) => el("tr", {}, el("th", {}, k), el("td", { class: "long" }, v))))))));
}

/* ---- roofline ---- */

/* Kernels of one place and kind are one point each; too many are too many to look at. */
const plotted = () => (stage().kernels || []).filter(k => k.intensity > 0 && k.gflop_s > 0).slice(0, 1500);

function roofline() {
  const roof = data.roofline, points = plotted();
  if (!points.length) return null;
  const without = stage().kernels.filter(k => !(k.intensity > 0 && k.gflop_s > 0)).reduce((sum, k) => sum + shareOf(k), 0);
  const tip = el("p", { class: "tip", id: "roof-tip" }, "A point is a kernel at a place of the network, its area the time that it takes. Click one to find it in the table." + (without > 0.005 ? ` Kernels without arithmetic (${percent(without)} of the time) have no point.` : ""));
  const box = chart("roofline", () => {
    const most = Math.max(...points.map(usual)), groups = new Map();
    for (const k of points) groups.set(k.operator, [...(groups.get(k.operator) || []), k]);
    const sets = [...groups].map(([operator, list]) => ({ type: "bubble", label: operator, backgroundColor: faded(tone(operator), 0.6), borderColor: tone(operator), order: 2,
      data: list.map(k => ({ x: k.intensity, y: k.gflop_s, r: 2 + 20 * Math.sqrt(usual(k) / most), k })) }));
    const xs = points.map(k => k.intensity), low = Math.min(...xs) / 2, high = Math.max(...xs) * 2;
    if (roof && roof.copy_gb_s > 0 && roof.fma_gflop_s > 0) {
      const line = (gb, label, dash) => { const ridge = roof.fma_gflop_s / gb;
        sets.push({ type: "line", label, ceiling: true, borderColor: colour("text"), borderDash: dash, borderWidth: 1.6, pointRadius: 0, order: 1,
          data: [low, ridge, high].sort((a, b) => a - b).filter(x => x >= low && x <= high).map(x => ({ x, y: Math.min(roof.fma_gflop_s, gb * x) })) }); };
      line(roof.copy_gb_s, `${short(roof.fma_gflop_s, 3)} GFLOP/s, ${short(roof.copy_gb_s, 3)} GB/s copied`, []);
      if (roof.read_gb_s > 0) line(roof.read_gb_s, `${short(roof.read_gb_s, 3)} GB/s read`, [5, 4]);
    }
    return { type: "bubble", data: { datasets: sets }, options: {
      scales: { x: scale({ type: "logarithmic", name: "operations a byte", min: low, max: high, ticks: decades }), y: scale({ type: "logarithmic", name: "GFLOP/s", ticks: decades }) },
      onClick: (event, hit) => { const k = hit.length && sets[hit[0].datasetIndex].data[hit[0].index].k; if (k) pick(k); },
      plugins: { legend: { display: true, labels: { color: colour("text"), boxWidth: 11, boxHeight: 11, filter: item => sets[item.datasetIndex].ceiling || [...groups.keys()].indexOf(item.text) < 12 } },
        tooltip: { filter: t => !sets[t.datasetIndex].ceiling, callbacks: { label: t => { const k = t.raw.k; return k ? `${nameOf(k)}: ${seconds(usual(k))}, ${short(k.gflop_s, 3)} GFLOP/s, ${percent(get(k, "roofline", "share"))} of its bound` : t.dataset.label; } } } } } };
  }, true);
  return section("roofline", "Roofline", box, tip);
}
const decades = { callback: v => { const p = Math.log10(v); return Math.abs(p - Math.round(p)) < 1e-6 ? short(v) : ""; } };

function pick(k) {
  Object.assign(ui, { picked: k.key, list: "kernels", filter: k.scope || k.operator, only: "" });
  drawTable();
  document.getElementById("kernels").scrollIntoView({ behavior: "smooth" });
}

/* ---- table ---- */

const shareBar = row => el("span", {}, percent(shareOf(row)), el("span", { class: "share", style: { width: 90 * Math.min(1, shareOf(row) / Math.max(1e-9, biggest)) + "px" } }));
let biggest = 1;

const shape = v => (v ? `${v.name} ${v.dtype}[${v.shape.join(",")}]` : "–");
const names = {
  kernels: [{ title: "operator", value: k => k.operator }, { title: "where", value: k => k.scope, show: k => k.scope || "–" }],
  functions: [{ title: "kernel", value: k => k.kernel }, { title: "operators", value: k => (k.operators || []).join(", ") }],
  operators: [{ title: "operator", value: k => k.operator }, { title: "nodes", value: k => k.nodes, number: true }],
  blocks: [{ title: "block", value: k => k.block, show: k => k.block || "outside of the network" }, { title: "nodes", value: k => k.nodes, number: true }],
};
const measures = [
  { title: "share", value: usual, show: shareBar, number: true, help: "of the kernels' times" },
  { title: "time", value: usual, show: k => seconds(usual(k)), number: true, help: "of a step: the median; of operators, functions and blocks the sum of their kernels' medians" },
  { title: "mean", value: k => get(k, "step_s", "mean"), show: k => seconds(get(k, "step_s", "mean")), number: true, help: "of a step; far above the median: something interrupted it" },
  { title: "calls", value: k => k.calls_per_step, number: true, help: "of a step" },
  { title: "GFLOP/s", value: gflops, show: k => short(gflops(k), 3), number: true },
  { title: "GB/s", value: gbytes, show: k => short(gbytes(k), 3), number: true },
  { title: "bound", value: k => get(k, "roofline", "bound"), show: k => el("span", { class: get(k, "roofline", "bound") }, get(k, "roofline", "bound") || "–"), help: "which limit of the device counts" },
  { title: "of it", value: nearness, show: k => percent(nearness(k)), number: true, help: "least possible time ÷ time" },
];

function drawTable() {
  const rows = stage()[ui.list] || [], wanted = ui.filter.toLowerCase().split(/\s+/).filter(w => w);
  const text = r => [r.key, r.operator, r.scope, r.kernel, r.block, r.implementation, r.expression, (r.operators || []).join(" ")].filter(known).join(" ").toLowerCase();
  const shown = rows.filter(r => (!ui.only || get(r, "roofline", "bound") === ui.only) && wanted.every(w => text(r).includes(w)));
  biggest = Math.max(...rows.map(shareOf), 1e-9);
  ui.table.row = r => ({ class: r.key && r.key === ui.picked ? "picked" : undefined, onclick: () => { if (r.key) { ui.picked = r.key; drawTable(); } } });
  const place = document.getElementById("table"), sum = shown.reduce((s, r) => s + shareOf(r), 0);
  place.replaceChildren(sortable(shown, [...names[ui.list], ...measures], ui.table, drawTable));
  document.getElementById("count").textContent = `${short(shown.length)} of ${short(rows.length)} rows` + (ui.list === "blocks" ? "" : `, ${percent(sum)} of the time`) ;
  document.getElementById("more").replaceChildren(...(shown.length > ui.table.most ? [el("button", { type: "button", id: "all", onclick: () => { ui.table.most = 10 * ui.table.most; drawTable(); } }, `the first ${ui.table.most} are shown: show more`)] : []));
  document.getElementById("filter").value = ui.filter;
  document.getElementById("list").value = ui.list;
  document.getElementById("only").value = ui.only;
  document.getElementById("detail").replaceChildren(...detail(rows.find(r => r.key && r.key === ui.picked)));
}

function detail(k) {
  if (!k) return [el("p", { class: "tip" }, ui.list === "kernels" ? "Click a row for shapes, tuning and times of its calls." : "")];
  const rows = [["expression", k.expression], ["inputs", k.inputs && k.inputs.map(shape).join("; ")], ["outputs", k.outputs && k.outputs.map(shape).join("; ")], ["kernel", `${k.kernel}, ${k.implementation || "reference"}`], ["options", k.options],
    ["work-items", known(k.global) && `${k.global.join(" × ")} in groups of ${(k.local || []).join(" × ")}`], ["a call", k.call_s && `${seconds(k.call_s.min)} least, ${seconds(k.call_s.q1)} to ${seconds(k.call_s.q3)} the middle half, ${seconds(k.call_s.max)} most; ${short(k.calls)} calls`],
    ["of a step", known(k.flops) || known(k.bytes) ? `${short(k.flops, 4)} operations, ${bytes(k.bytes)}` : null], ["node", `${k.node} of plan ${k.plan}`]];
  return [el("h3", { style: { marginTop: "14px" } }, nameOf(k)), el("p", {}, why(k, stage().unit || "step")), el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, rows.filter(r => known(r[1]) && r[1] !== false && r[1] !== "").map(([a, b]) => el("tr", {}, el("th", {}, a), el("td", { class: "long" }, el("code", {}, b)))))))];
}

function table() {
  const option = (value, text) => el("option", { value }, text || value), change = key => e => { ui[key] = e.target.value; if (key === "list") Object.assign(ui.table, { by: 2, way: -1 }); drawTable(); };
  return section("kernels", "Kernels", el("div", { class: "bar" },
    el("label", {}, "rows are ", el("select", { id: "list", onchange: change("list") }, ["kernels", "functions", "operators", "blocks"].map(v => option(v)))),
    el("input", { type: "search", id: "filter", placeholder: "filter: conv2d res1 …", "aria-label": "filter", oninput: e => { ui.filter = e.target.value; drawTable(); } }),
    el("label", {}, "bound by ", el("select", { id: "only", onchange: change("only") }, option("", "anything"), ["compute", "memory", "launch"].map(v => option(v)))), el("span", { class: "quiet", id: "count" })),
  el("div", { id: "table" }), el("p", { id: "more", style: { marginTop: "10px" } }), el("div", { id: "detail" }));
}

/* ---- flame: stage, blocks, operators, kernels ---- */

function tree() {
  const root = { name: stage().name, time: 0, of: new Map() };
  for (const k of stage().kernels || []) {
    const t = usual(k);
    let at = root;
    root.time += t;
    const way = [...(k.scope ? k.scope.split(".").map(name => [name, "block"]) : [["outside of the network", "block"]]), [k.operator, "operator"], [k.kernel, "kernel"]];
    for (const [name, kind] of way) {
      const key = kind + ":" + name;
      if (!at.of.has(key)) at.of.set(key, { name, kind, time: 0, of: new Map(), up: at, operator: null });
      at = at.of.get(key);
      at.time += t;
      if (kind !== "block") at.operator = k.operator;
    }
  }
  return root;
}

function flame() {
  if (!(stage().kernels || []).length) return null;
  const root = tree(), place = el("div", { class: "flame", id: "flame" }), tip = el("p", { class: "tip", id: "flame-tip" });
  const path = node => (node.up ? [...path(node.up), node.name] : [node.name]);
  const heaviest = node => (node.operator ? node.operator : [...node.of.values()].reduce((a, b) => (!a || b.time > a.time ? b : a), null) && heaviest([...node.of.values()].reduce((a, b) => (b.time > a.time ? b : a))));
  let top = root;
  const say = node => { tip.textContent = `${path(node).join(" → ")}: ${seconds(node.time)}, ${percent(node.time / root.time)}`; };
  function draw() {
    place.replaceChildren();
    let deepest = 0;
    const put = (node, left, width, depth) => {
      deepest = Math.max(deepest, depth);
      const c = node.operator ? tone(node.operator) : depth === 0 ? colour("quiet") : faded(tone(heaviest(node)), document.documentElement.dataset.theme === "dark" ? 0.75 : 0.85);
      place.append(el("button", { type: "button", title: node.name, style: { left: 100 * left + "%", width: 100 * width + "%", top: 25 * depth + "px", background: c }, onmouseenter: () => say(node), onfocus: () => say(node),
        onclick: () => { top = node === top && node.up ? node.up : node; draw(); say(node); } }, width > 0.018 ? node.name : ""));
      let at = left;
      for (const child of [...node.of.values()].sort((a, b) => b.time - a.time)) {
        const w = width * child.time / node.time;
        if (w > 0.0012) put(child, at, w, depth + 1);
        at += w;
      }
    };
    put(top, 0, 1, 0);
    place.style.height = 25 * (deepest + 1) + "px";
  }
  draw();
  say(root);
  themed.push(() => { if (place.isConnected) draw(); });
  return section("flame-section", "Flame", el("p", { class: "quiet" }, "Stage, blocks of the network, operators, kernels; the width is device time. Click to go into a part, again to come back."), place, tip);
}

/* ---- one step ---- */

function timeline() {
  const list = stage().timeline || [], kernels = stage().kernels || [], transfers = stage().transfers || [];
  if (!list.length) return null;
  const end = Math.max(...list.map(e => e[2])), canvas = el("canvas", { class: "wide", id: "timeline", role: "img", "aria-label": "commands of one step" }), tip = el("p", { class: "tip", id: "timeline-tip" });
  const view = ui.window || (ui.window = [0, end]);
  let from = null, hover = null;
  const nameAt = e => (e[0] >= 0 ? nameOf(kernels[e[0]]) + ", " + kernels[e[0]].kernel : get(transfers[-1 - e[0]], "kind") || "transfer");
  function draw() {
    const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (!w) return;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    const c = canvas.getContext("2d"), x = t => (t - view[0]) / (view[1] - view[0]) * w;
    c.scale(ratio, ratio);
    c.font = "12px system-ui, sans-serif";
    c.fillStyle = colour("soft");
    c.fillRect(0, 22, w, 52);
    c.fillRect(0, 96, w, 26);
    c.fillStyle = colour("quiet");
    c.fillText("kernels", 2, 16);
    c.fillText("transfers", 2, 91);
    for (const e of list) {
      const a = x(e[1]), b = x(e[2]);
      if (b < 0 || a > w) continue;
      c.fillStyle = e[0] >= 0 ? tone(kernels[e[0]].operator) : colour("accent");
      c.fillRect(a, e[0] >= 0 ? 22 : 96, Math.max(b - a, 0.6), e[0] >= 0 ? 52 : 26);
      if (e === hover) { c.strokeStyle = colour("text"); c.lineWidth = 2; c.strokeRect(a, e[0] >= 0 ? 22 : 96, Math.max(b - a, 1), e[0] >= 0 ? 52 : 26); }
    }
    c.fillStyle = colour("quiet");
    for (let i = 0; i <= 4; i++) { c.textAlign = i === 0 ? "left" : i === 4 ? "right" : "center"; c.fillText(seconds(view[0] + (view[1] - view[0]) * i / 4), w * i / 4, 142); }
    c.textAlign = "left";
    if (from !== null && hover === null) { c.fillStyle = faded(colour("accent"), 0.2); c.fillRect(Math.min(from[0], from[1]), 22, Math.abs(from[1] - from[0]), 100); }
  }
  const at = e => e.clientX - canvas.getBoundingClientRect().left, toTime = px => view[0] + px / canvas.clientWidth * (view[1] - view[0]);
  canvas.addEventListener("pointerdown", e => { if (e.pointerType === "mouse") from = [at(e), at(e)]; });
  canvas.addEventListener("pointermove", e => {
    if (from) { from[1] = at(e); hover = null; } else {
      const t = toTime(at(e)), slack = 2 / canvas.clientWidth * (view[1] - view[0]), low = e.clientY - canvas.getBoundingClientRect().top > 84;
      hover = list.find(v => (v[0] < 0) === low && t >= v[1] - slack && t <= v[2] + slack) || null;
      tip.textContent = hover ? `${nameAt(hover)}: ${seconds(hover[2] - hover[1])}, from ${seconds(hover[1])}` : help;
    }
    draw();
  });
  addEventListener("pointerup", e => {
    if (!from) return;
    const [a, b] = [...from].sort((p, q) => p - q).map(toTime);
    from = null;
    if (b - a > (view[1] - view[0]) * 0.004) [view[0], view[1]] = [Math.max(0, a), Math.min(end, b)];
    draw();
  });
  canvas.addEventListener("dblclick", () => { [view[0], view[1]] = [0, end]; draw(); });
  addEventListener("resize", draw);
  themed.push(() => { if (canvas.isConnected) draw(); });
  const busy = list.reduce((s, e) => s + e[2] - e[1], 0);
  const help = `${short(list.length)} commands in ${seconds(end)}, busy for ${percent(busy / end)}. Drag to zoom, double click for all.`;
  tip.textContent = help;
  queueMicrotask(draw);
  return section("step", "One " + (stage().unit || "step"), canvas, tip);
}

/* ---- memory, host ---- */

const unitOf = most => [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"]].find(u => most >= u[0]) || [1, "B"];

function memory() {
  const m = stage().memory, plans = (stage().plans || []).filter(p => (p.live || []).length > 1);
  if (!m) return null;
  const curve = m.curve || [], most = unitOf(Math.max(m.peak_bytes || 0, ...curve.map(c => c[1])));
  const allocated = curve.length > 1 && el("div", {}, el("h3", {}, "allocated"), chart("memory " + ui.stage, () => ({ type: "line", data: { datasets: [
    { label: "allocated", data: curve.map(c => ({ x: c[0], y: c[1] / most[0] })), stepped: true, fill: "origin", borderColor: colour("accent"), backgroundColor: faded(colour("accent"), 0.2), pointRadius: 0, borderWidth: 1.6 },
    { label: "planned", data: [curve[0][0], curve[curve.length - 1][0]].map(x => ({ x, y: m.planned_bytes / most[0] })), borderColor: colour("text"), borderDash: [5, 4], pointRadius: 0, borderWidth: 1.2 }] },
  options: { interaction: { mode: "nearest", axis: "x", intersect: false }, scales: { x: scale({ name: "seconds since the device was opened" }), y: scale({ name: most[1], beginAtZero: true }) }, plugins: { legend: { display: true, labels: { color: colour("text"), boxWidth: 22, boxHeight: 2 } } } } })));
  const live = plans.map(p => { const u = unitOf(p.slab_bytes || 0); return el("div", {}, el("h3", {}, `alive in plan ${p.name}`), chart(`plan ${ui.stage} ${p.name}`, () => ({ type: "line", data: { datasets: [
    { label: "bytes alive", data: p.live.map((v, i) => ({ x: i, y: v[1] / u[0] })), fill: "origin", stepped: true, borderColor: series(2), backgroundColor: faded(series(2), 0.2), pointRadius: 0, borderWidth: 1.2 },
    { label: "slab", data: [0, p.live.length - 1].map(x => ({ x, y: p.slab_bytes / u[0] })), borderColor: colour("text"), borderDash: [5, 4], pointRadius: 0, borderWidth: 1.2 }] },
  options: { interaction: { mode: "nearest", axis: "x", intersect: false }, scales: { x: scale({ name: "nodes in the order of execution" }), y: scale({ name: u[1], beginAtZero: true }) }, plugins: { tooltip: { callbacks: { title: t => (t.length ? "node " + (p.live[t[0].parsed.x] || [])[0] : "") } } } } }))); });
  return section("memory", "Memory", el("p", { class: "quiet" }, `planned ${bytes(m.planned_bytes)}, allocated at most ${bytes(m.peak_bytes)}`), el("div", { class: "charts" }, allocated, live));
}

function host() {
  const h = stage().host, s = stage();
  if (!h || !h.phases) return null;
  const steps = Math.max(1, get(s, "steps", "profiled") || 1), phases = [...h.phases].sort((a, b) => b.self_s - a.self_s);
  return section("host", "Host and transfers", el("p", { class: "quiet" }, `of a ${s.unit || "step"}: host busy ${seconds(h.busy_s)}, waiting ${seconds(h.wait_s)}, both busy at once ${seconds(h.overlap_s)}`),
    el("div", { class: "charts" }, el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["phase", "when", "count", "in all", "a " + (s.unit || "step")].map((t, i) => el("th", { class: i > 1 ? "number" : "" }, t)))),
      el("tbody", {}, phases.map(p => el("tr", {}, el("td", {}, p.phase), el("td", {}, p.when === "steps" ? "in the steps" : p.when + " them"), el("td", { class: "number" }, short(p.count)), el("td", { class: "number" }, seconds(p.self_s)), el("td", { class: "number" }, p.when === "steps" ? seconds(p.self_s / steps) : "–")))))),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["transfer", "calls", "bytes", "in all", "GB/s"].map((t, i) => el("th", { class: i ? "number" : "" }, t)))),
      el("tbody", {}, (s.transfers || []).map(t => el("tr", {}, el("td", {}, t.kind), el("td", { class: "number" }, short(t.calls)), el("td", { class: "number" }, bytes(t.bytes)), el("td", { class: "number" }, seconds(t.total_s)), el("td", { class: "number" }, short(t.gb_s, 3)))))))));
}

/* ---- all of it ---- */

function render() {
  const name = get(data.config, "name") || "profile";
  document.title = name + " – ScoreCL profile";
  document.getElementById("title").textContent = "Where the time of " + name + " goes";
  document.getElementById("subtitle").textContent = [get(data.device, "name"), data.version && "ScoreCL " + data.version].filter(known).join(", ");
  document.getElementById("made").textContent = "Made " + (data.created || "").replace("T", " ").replace("Z", " UTC") + ".";
  show([overview(), table(), roofline(), flame(), timeline(), memory(), host()]);
  if (data.stages.length > 1)
    document.getElementById("nav").prepend(el("label", {}, "stage ", el("select", { id: "stage", onchange: e => { Object.assign(ui, { stage: +e.target.value, window: null, picked: null, filter: "", only: "" }); render(); } },
      data.stages.map((s, i) => el("option", { value: i, selected: i === ui.stage }, s.name)))));
  drawTable();
}

applyTheme();
render();
