"use strict";
/* The page of runs.  `data` is what report_run.c gives. */

let data = embedded();
const ui = { log: false, smooth: 0.9, position: {}, raw: true, whole: false };

const runColour = i => series(i);
const several = () => data.runs.length > 1;
const dot = i => el("span", { class: "dot", style: { background: `var(--c${i % 8})` } });
const kindOf = (run, stage) => get(run.config, "stages", stage.name, "kind");
const stateOf = (run, stage) => get(run.state, "stages", stage.name) || {};

function statusOf(run, stage) {
  const status = stateOf(run, stage).status || "pending";
  return status === "running" && !run.running ? "interrupted" : status;
}

function runStatus(run) {
  const all = run.stages.map(s => statusOf(run, s));
  return ["failed", "running", "interrupted", "pending"].find(s => all.includes(s)) || "finished";
}
const badge = status => el("span", { class: "badge " + status }, status);

function lastOf(column, pick) {
  const v = get(column, "points", 1);
  return v && v.length ? (pick ? v.reduce((a, b) => pick(a, b)) : v[v.length - 1]) : undefined;
}

/* ---- overview ---- */

function facts(run) {
  const out = [];
  const add = (name, value) => { if (known(value) && value !== "–") out.push([name, value]); };
  for (const stage of run.stages) {
    const of = run.stages.filter(s => kindOf(run, s) === kindOf(run, stage)).length > 1 ? stage.name + ": " : "";
    const columns = get(stage, "metrics", "columns") || {}, steps = get(run.config, "stages", stage.name, "steps");
    if (kindOf(run, stage) !== "train") continue;
    const at = Math.max(0, ...Object.values(columns).map(c => c.points[0][c.points[0].length - 1] || 0));
    add(of + "step" + (steps ? " of " + short(steps) : ""), short(at));
    add(of + "last loss", short(lastOf(columns.loss)));
    add(of + "best held-out loss", columns.eval_loss && short(lastOf(columns.eval_loss, Math.min)));
    add(of + "held-out accuracy", columns.eval_accuracy && percent(lastOf(columns.eval_accuracy)));
    add(of + "images a second", short(lastOf(columns.images_per_s), 3));
    add(of + "device memory", bytes(get(run.environment, "stages", stage.name, "peak_bytes")));
  }
  const total = run.stages.reduce((sum, s) => sum + (stateOf(run, s).seconds || 0), 0);
  if (total > 0) add("in all stages", seconds(total));
  return out;
}

function deviceOf(run) {
  const names = Object.values(get(run.environment, "stages") || {}).map(s => get(s, "device", "name")).filter(known);
  return [...new Set(names)].join(", ");
}

function overview() {
  return section("overview", "Overview", data.runs.map((run, i) => el("div", { class: "run" },
    el("h3", {}, dot(i), run.name, badge(runStatus(run)), el("span", { class: "quiet", style: { fontWeight: "normal", fontSize: "14px" } }, deviceOf(run))),
    el("div", { class: "cards" }, facts(run).map(([name, value]) => el("div", { class: "cell" }, el("b", {}, value), el("span", {}, name)))),
    run.stages.map(s => stateOf(run, s).error && el("p", { class: "failed" }, s.name + ": " + stateOf(run, s).error)),
    Object.entries(get(run.environment, "stages") || {}).map(([name, s]) =>
      s.probe && !s.probe.startsWith("bits promised") && s.probe.includes("not promised") && el("p", { class: "interrupted" }, name + ": " + s.probe)))));
}

/* ---- stages over time ---- */

const time = text => (text ? Date.parse(text.replace(" UTC", "Z").replace(" ", "T")) / 1000 : NaN);

function blocksOf(run) {
  const now = time(data.made);
  return run.stages.map(stage => {
    const s = stateOf(run, stage), status = statusOf(run, stage);
    let end = time(s.finished), begin = end - (s.seconds || 0);
    if (!(end > 0)) {
      begin = time(run.begun[stage.name]);
      end = status === "running" ? now : begin + Math.max(s.seconds || 0, 0);
    }
    return { stage, status, begin, end, seconds: status === "running" ? end - begin : s.seconds };
  });
}

function timeline() {
  const all = data.runs.map(run => blocksOf(run));
  if (!all.flat().length) return null;
  const lanes = all.map((blocks, i) => {
    const there = blocks.filter(b => b.begin > 0), from = Math.min(...there.map(b => b.begin)), to = Math.max(...there.map(b => b.end), from + 1e-3);
    return [several() && el("h3", {}, dot(i), " ", data.runs[i].name), blocks.map((b, k) => {
      const needs = get(data.runs[i].config, "stages", b.stage.name, "needs");
      const words = b.begin > 0 ? seconds(b.seconds) : "";
      return el("div", { class: "lane" }, el("span", { title: b.stage.name }, b.stage.name, " ", el("span", { class: "quiet" }, kindOf(data.runs[i], b.stage) || "")),
        el("div", { class: "track", title: b.stage.name + ": " + b.status + (words ? ", " + words : "") + (needs && needs.length ? ", needs " + needs.join(", ") : "") },
          b.begin > 0 ? el("div", { class: "block", style: { left: 100 * (b.begin - from) / (to - from) * 0.86 + "%",
            width: 86 * (b.end - b.begin) / (to - from) + "%", background: `var(--c${k % 8})` } }) : null,
          el("span", { style: { position: "absolute", left: (b.begin > 0 ? 86 * (b.end - from) / (to - from) : 0) + 0.8 + "%", lineHeight: "24px", fontSize: "12.5px" } },
            b.status === "finished" ? words : [badgeText(b.status), words].filter(t => t).join(", "))));
    })];
  });
  return section("stages", "Stages", lanes);
}
const badgeText = status => (status === "pending" ? "has not run yet" : status);

/* ---- curves ---- */

const pairs = two => two[0].map((x, i) => ({ x, y: two[1][i] }));

/* The exponential mean over steps, of half-life by the slider: bucket means where rows were put together. */
function smoothed(column) {
  const source = column.means || column.points, out = [], keep = ui.smooth;
  let sum = 0, weight = 0;
  for (let i = 0; i < source[0].length; i++) {
    sum = keep * sum + (1 - keep) * source[1][i];
    weight = keep * weight + (1 - keep);
    out.push({ x: source[0][i], y: weight > 0 ? sum / weight : source[1][i] });
  }
  return out;
}

function lines(stageName, names) {
  const sets = [];
  data.runs.forEach((run, i) => {
    const stage = run.stages.find(s => s.name === stageName);
    for (const name of names) {
      const column = get(stage, "metrics", "columns", name);
      if (!column || !column.points[0].length) continue;
      const label = (several() ? run.name + ": " : "") + words(name), held = name.startsWith("eval_"), few = column.points[0].length < 80;
      const tone = several() ? runColour(i) : held ? series(1) : series(0), base = { borderColor: tone, backgroundColor: tone, pointHitRadius: 8 };
      if (held || name === "lr" || few) {
        sets.push({ ...base, label, data: pairs(column.points), borderWidth: held ? 2 : 1.5, borderDash: held && several() ? [6, 3] : [], pointRadius: few ? 2.5 : 0, order: 1 });
        continue;
      }
      if (ui.raw) sets.push({ ...base, label: label + ", each row", data: pairs(column.points), borderColor: faded(tone, 0.3), backgroundColor: faded(tone, 0.3), borderWidth: 1, pointRadius: 0, order: 3 });
      sets.push({ ...base, label: label + ", smoothed", data: smoothed(column), borderWidth: 2, pointRadius: 0, order: 2 });
    }
  });
  return sets;
}

/* Few rows far above all others would leave a flat line: the frame ends above the others, and a note says what is beyond it. */
function frame(sets) {
  const all = sets.flatMap(s => s.data), sorted = Float64Array.from(all, p => p.y).sort(), n = sorted.length;
  if (ui.whole || n < 100) return {};
  const low = sorted[0], body = sorted[Math.floor(0.995 * (n - 1))], top = sorted[n - 1];
  if (body <= low || top - low < 2.5 * (body - low)) return {};
  return { max: body + 0.25 * (body - low), beyond: all.reduce((a, b) => (b.y > a.y ? b : a)) };
}

const titles = { loss: "training loss", eval_loss: "held-out loss", grad_norm: "gradient norm", lr: "learning rate", images_per_s: "images a second",
  eval_accuracy: "held-out accuracy", log_density: "log density", bits_per_dim: "bits per dimension", nats_per_dim: "nats per dimension" };
const words = name => titles[name] || name.replaceAll("_", " ");

function curveChart(stageName, names, large) {
  const note = el("p", { class: "quiet beyond", style: { fontSize: "12.5px", margin: "2px 0 0" } });
  const box = chart(stageName + "/" + names.join("+"), () => {
    const sets = lines(stageName, names), edge = frame(sets);
    note.textContent = edge.beyond ? `beyond the frame: up to ${short(edge.beyond.y)}, at step ${short(edge.beyond.x)}` : "";
    return { type: "line", data: { datasets: sets }, options: {
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: { x: scale({ name: large ? "step" : "" }), y: scale({ type: ui.log && names[0] !== "lr" ? "logarithmic" : "linear", max: edge.max, beginAtZero: names[0] === "lr" || names[0].startsWith("images") }) },
      plugins: { legend: { display: large, labels: { color: colour("text"), boxWidth: 22, boxHeight: 2 } },
        tooltip: { callbacks: { title: t => (t.length ? "step " + short(t[0].parsed.x) : ""), label: t => t.dataset.label + ": " + short(t.parsed.y, 5) } } } } };
  }, large);
  return el("div", {}, box, note);
}

function badRows(stageName) {
  const said = [];
  data.runs.forEach(run => {
    const columns = get(run.stages.find(s => s.name === stageName), "metrics", "columns") || {};
    for (const [name, c] of Object.entries(columns)) if (c.bad) said.push(`${several() ? run.name + ": " : ""}${c.bad === 1 ? "1 value" : c.bad + " values"} of ${words(name)} not finite`);
  });
  return said.map(t => el("p", { class: "failed" }, t));
}

/* Values of single samples, as a likelihood stage has them: how often is what? */
function histogram(stageName, name) {
  return chart(stageName + "#" + name, () => {
    const sets = [];
    const of = data.runs.map(run => get(run.stages.find(s => s.name === stageName), "metrics", "columns", name, "points", 1) || []);
    const low = Math.min(...of.map(v => v.reduce((a, b) => Math.min(a, b), Infinity))), high = Math.max(...of.map(v => v.reduce((a, b) => Math.max(a, b), -Infinity)));
    const n = 40, width = (high - low) / n || 1;
    of.forEach((values, i) => {
      const count = Array(n).fill(0);
      for (const v of values) count[Math.min(n - 1, Math.floor((v - low) / width))]++;
      sets.push({ label: data.runs[i].name, data: count.map((y, k) => ({ x: low + (k + 0.5) * width, y })), backgroundColor: faded(runColour(i), 0.7), borderColor: runColour(i),
        stepped: "middle", fill: "origin", pointRadius: 0, borderWidth: 1 });
    });
    return { type: "line", data: { datasets: sets }, options: { scales: { x: scale({ name: words(name) }), y: scale({ name: "samples", beginAtZero: true }) } } };
  });
}

function curves() {
  const names = [...new Set(data.runs.flatMap(r => r.stages.filter(s => get(s, "metrics", "rows")).map(s => s.name)))];
  const panels = names.map(stageName => {
    const columns = new Set(data.runs.flatMap(r => Object.keys(get(r.stages.find(s => s.name === stageName), "metrics", "columns") || {})));
    const title = names.length > 1 && el("h3", {}, stageName);
    if (columns.has("log_density") || (!columns.has("loss") && !columns.has("eval_loss")))
      return el("div", {}, title, el("div", { class: "charts" }, [...columns].map(c => el("div", {}, el("h3", {}, words(c)), histogram(stageName, c)))));
    const rest = [...columns].filter(c => c !== "loss" && c !== "eval_loss");
    return el("div", {}, title, badRows(stageName), curveChart(stageName, ["loss", "eval_loss"], true),
      el("div", { class: "charts", style: { marginTop: "18px" } }, rest.map(c => el("div", {}, el("h3", {}, words(c)), curveChart(stageName, [c], false)))));
  });
  if (!panels.length) return null;
  const redraw = () => { for (const c of charts.values()) refresh(c); };
  const toggle = (key, text) => el("button", { type: "button", id: key, "aria-pressed": String(ui[key]), onclick: e => { ui[key] = !ui[key]; e.target.setAttribute("aria-pressed", ui[key]); redraw(); } }, text);
  const bar = el("div", { class: "bar" },
    el("label", {}, "smoothing ", el("input", { type: "range", id: "smooth", min: 0, max: 0.995, step: 0.005, value: ui.smooth, oninput: e => { ui.smooth = +e.target.value; redraw(); } })),
    toggle("log", "log scale"), toggle("raw", "each row"), toggle("whole", "whole range"), el("span", { class: "quiet" }, "drag to zoom, double click for all"));
  return section("curves", "Curves", bar, panels);
}

/* ---- pictures ---- */

/* A slider with a picture for each position; draw(i) gives what is to be seen. */
function slider(key, count, label, draw) {
  const at = () => Math.min(count - 1, ui.position[key] ?? count - 1), text = el("output", {}), place = el("div", {});
  const input = el("input", { type: "range", min: 0, max: count - 1, step: 1, value: at(), "aria-label": key });
  let timer = null;
  const put = i => {
    ui.position[key] = i;
    input.value = i;
    text.textContent = label(i);
    place.replaceChildren(draw(i));
  };
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "▶"; };
  const play = el("button", { type: "button", "aria-label": "play", onclick: () => {
    if (timer) return stop();
    play.textContent = "❚❚";
    if (at() === count - 1) put(0);
    timer = setInterval(() => { if (at() >= count - 1 || !place.isConnected) stop(); else put(at() + 1); }, Math.max(60, Math.min(500, 6000 / count)));
  } }, "▶");
  input.addEventListener("input", () => { stop(); put(+input.value); });
  put(at());
  return el("div", { class: "slider" }, el("div", { class: "bar" }, play, input, text), place);
}

const absent = p => el("p", { class: "quiet" }, `${p.file} (${bytes(p.bytes)}) is left out: the page's room for pictures is spent`);

/* Small pictures are shown large, in whole multiples. */
function image(uri, alt, widest = 560) {
  const img = el("img", { src: uri, alt });
  img.addEventListener("load", () => {
    const times = Math.max(1, Math.min(8, Math.floor(widest / img.naturalWidth)));
    img.style.width = img.naturalWidth * times + "px";
    if (times === 1 && img.naturalWidth > 600) img.className = "smooth";
  });
  return img;
}

/* trajectory.png: a row of pictures for each noise level, with white lines of two pixels.  Gives draw(row). */
function strip(t, widest) {
  const rows = t.sigma.length, img = new Image(), canvas = el("canvas", { role: "img", "aria-label": "samples at a noise level" });
  let row = rows - 1;
  const draw = at => {
    row = Math.min(rows - 1, at);
    if (!img.naturalWidth) return;
    const h = (img.naturalHeight - 2) / rows, w = img.naturalWidth, times = Math.max(1, Math.min(6, Math.floor(widest / w)));
    canvas.width = w * times;
    canvas.height = (h + 2) * times;
    const c = canvas.getContext("2d");
    c.imageSmoothingEnabled = false;
    c.drawImage(img, 0, row * h, w, h + 2, 0, 0, w * times, (h + 2) * times);
  };
  img.onload = () => draw(row);
  img.src = t.uri;
  return { canvas, draw };
}

const ofRun = (i, text) => el("figcaption", {}, several() && [dot(i), " ", data.runs[i].name, text && ": "], text);

/* One slider for all runs that have such a stage. */
function trajectories(name, list) {
  const rows = Math.max(...list.map(([, t]) => t.sigma.length)), views = list.map(([i, t]) => [i, t, strip(t, list.length > 1 ? 560 : 900)]), longest = list.find(([, t]) => t.sigma.length === rows)[1];
  const place = el("div", { class: "pictures" }, views.map(([i, t, v]) => el("figure", {}, v.canvas, ofRun(i, `the first ${t.columns} samples at the end of each noise level`))));
  return el("div", { class: "wide-part" }, slider(name + "/levels", rows, i => `noise level ${i + 1} of ${rows}, σ = ${short(longest.sigma[i])}`, i => { for (const [, , v] of views) v.draw(i); return place; }),
    el("details", {}, el("summary", {}, "all levels"), el("div", { class: "pictures" }, list.map(([i, t]) => el("figure", {}, image(t.uri, "samples, a row for each noise level", 900), ofRun(i, ""))))));
}

function overTraining(name, list) {
  const steps = [...new Set(list.flatMap(([, s]) => s.map(p => p.step)))].sort((a, b) => a - b);
  const newest = (s, step) => s.filter(p => p.step <= step).pop() || s[0];
  return el("div", { class: "wide-part" }, slider(name + "/training", steps.length, i => "step " + short(steps[i]), k => el("div", { class: "pictures" }, list.map(([i, s]) => {
    const p = newest(s, steps[k]);
    return el("figure", {}, image(p.uri, "samples at step " + p.step, 480), ofRun(i, `the same samples at step ${short(p.step)}`));
  }))));
}

function pictures() {
  const parts = [];
  for (const name of new Set(data.runs.flatMap(r => r.stages.map(s => s.name)))) {
    const stages = data.runs.map((r, i) => [i, r.stages.find(s => s.name === name)]).filter(([, s]) => s), content = [];
    const over = stages.map(([i, s]) => [i, (s.samples || []).filter(p => p.uri)]).filter(([, s]) => s.length);
    const levels = stages.map(([i, s]) => [i, s.trajectory]).filter(([, t]) => t && t.uri && get(t, "sigma", "length"));
    const single = stages.flatMap(([i, s]) => [...(s.pictures || []), ...(s.trajectory && !levels.some(([k]) => k === i) ? [s.trajectory] : [])].map(p => [i, p]));
    if (over.length) content.push(overTraining(name, over));
    if (levels.length) content.push(trajectories(name, levels));
    if (single.length) content.push(el("div", { class: "pictures" }, single.map(([i, p]) => (p.uri ? el("figure", {}, image(p.uri, p.file, several() ? 400 : 560), ofRun(i, p.file)) : absent(p)))));
    if (content.length) parts.push(el("h3", {}, name), el("div", { class: "stack" }, content));
  }
  return parts.length ? section("pictures", "Samples and pictures", parts) : null;
}

/* ---- evaluations ---- */

function evaluations() {
  const rows = new Map();
  data.runs.forEach((run, i) => run.stages.forEach(stage => {
    for (const [name, v] of Object.entries(get(stage, "evaluation", "values") || {})) {
      const key = stage.name + "\0" + name;
      if (!rows.has(key)) rows.set(key, { stage: stage.name, name, of: [] });
      rows.get(key).of[i] = v;
    }
  }));
  if (!rows.size) return null;
  const list = [...rows.values()], truth = list.some(r => r.of.some(v => v && known(v.true)));
  const cell = v => (v ? short(v.value, 5) + (known(v.error) ? " ± " + short(v.error, 2) : "") : "–");
  const levels = list.filter(r => /\.\d+$/.test(r.name));
  const groups = [...new Set(levels.map(r => r.stage + "\0" + r.name.replace(/\.\d+$/, "")))].filter(g => levels.filter(r => g === r.stage + "\0" + r.name.replace(/\.\d+$/, "")).length > 2);
  return section("evaluation", "Evaluations", el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "stage"), el("th", {}, "value"),
    data.runs.map((r, i) => el("th", { class: "number" }, several() ? [dot(i), " ", r.name] : "measured")), truth && el("th", { class: "number" }, "true"))),
  el("tbody", {}, list.map(r => el("tr", {}, el("td", {}, r.stage), el("td", {}, words(r.name)), data.runs.map((_, i) => el("td", { class: "number" }, cell(r.of[i]))),
    truth && el("td", { class: "number" }, short((r.of.find(v => v && known(v.true)) || {}).true, 5))))))),
  el("div", { class: "charts", style: { marginTop: "16px" } }, groups.map(g => {
    const [stage, base] = g.split("\0"), of = levels.filter(r => r.stage === stage && r.name.replace(/\.\d+$/, "") === base);
    return el("div", {}, el("h3", {}, stage + ": " + base), chart("values/" + g, () => ({ type: "line", data: { datasets: data.runs.map((run, i) => ({ label: run.name, borderColor: runColour(i), backgroundColor: runColour(i),
      data: of.filter(r => r.of[i]).map(r => ({ x: +r.name.match(/\d+$/)[0], y: r.of[i].value })) })) }, options: { scales: { x: scale({ name: base + ".N" }), y: scale({}) } } })));
  })));
}

/* ---- profile ---- */

function profiles() {
  const parts = [];
  data.runs.forEach((run, i) => (get(run.profile, "stages") || []).forEach(s => {
    const top = (s.operators || []).slice(0, 8);
    parts.push(el("div", { class: "run" }, el("h3", {}, several() && dot(i), several() && run.name + ": ", s.name,
      el("span", { class: "quiet", style: { fontWeight: "normal" } }, `${seconds(get(s, "wall", "unprofiled_s", "median"))} a ${s.unit || "step"}, device busy ${seconds(get(s, "device", "busy_s"))}, ${short(s.launches_per_step)} launches`)),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["operator", "share", "a step", "GFLOP/s", "GB/s", "bound by", "of that bound"].map((t, k) => el("th", { class: k && k !== 5 ? "number" : "" }, t)))),
      el("tbody", {}, top.map(o => el("tr", {}, el("td", {}, o.operator), el("td", { class: "number" }, percent(o.share)), el("td", { class: "number" }, seconds(get(o, "step_s", "mean"))),
        el("td", { class: "number" }, short(o.gflop_s, 3)), el("td", { class: "number" }, short(o.gb_s, 3)), el("td", {}, get(o, "roofline", "bound") || "–"), el("td", { class: "number" }, percent(get(o, "roofline", "share"))))))))));
  }));
  return parts.length ? section("profile", "Profile", parts, el("p", { class: "quiet" }, "profile.html in the profile's folder has every kernel.")) : null;
}

/* ---- config, environment, log ---- */

function flat(value, path = "", out = new Map()) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) for (const [k, v] of Object.entries(value)) flat(v, path ? path + "." + k : k, out);
  else out.set(path, Array.isArray(value) ? JSON.stringify(value) : String(value));
  return out;
}

function differences(title, objects, skip) {
  const maps = objects.map(o => flat(o)), keys = [...new Set(maps.flatMap(m => [...m.keys()]))].filter(k => !skip.test(k) && new Set(maps.map(m => m.get(k))).size > 1);
  if (!keys.length) return el("p", { class: "quiet" }, title + ": the same in all runs");
  return [el("h3", {}, title + ": what differs"), el("div", { class: "scroll", style: { marginBottom: "14px" } }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "key"), data.runs.map((r, i) => el("th", {}, dot(i), " ", r.name)))),
    el("tbody", {}, keys.map(k => el("tr", {}, el("td", { class: "long" }, el("code", {}, k)), maps.map(m => el("td", { class: "long" }, m.has(k) ? m.get(k) : "–"))))))) ];
}

function remember(key, title, content) {
  return el("details", { open: ui.position[key], ontoggle: e => { ui.position[key] = e.target.open; } }, el("summary", {}, title), content);
}

function environmentRows(run) {
  const device = Object.values(get(run.environment, "stages") || {}).map(s => s.device).find(known) || {}, e = run.environment;
  return [["device", device.name], ["driver", [device.platform, device.driver].filter(known).join(", ")], ["OpenCL", device.version], ["compute units", device.compute_units],
    ["device memory", device.global_bytes && bytes(device.global_bytes)], ["ScoreCL", e.scorecl && e.scorecl + ", arithmetic " + e.arithmetic], ["kernels", e.kernels_sha256 && e.kernels_sha256.slice(0, 16)],
    ["commit", e.git_commit && e.git_commit.slice(0, 16)], ["compiler", e.compiler], ["system", e.system && [e.system.name, e.system.release, e.system.machine].join(" ")], ["config file", e.config], ["folder", run.folder]];
}

function configs() {
  const all = data.runs.map(environmentRows), keys = all[0].map((r, k) => k).filter(k => all.some(rows => known(rows[k][1]) && rows[k][1] !== ""));
  return section("config", "Config and environment",
    several() && [differences("config", data.runs.map(r => r.config || {}), /^$/), differences("environment", data.runs.map(r => r.environment), /tuning_rows|\.conv$|probe/)],
    el("div", { class: "scroll" }, el("table", {}, several() && el("thead", {}, el("tr", {}, el("th", {}), data.runs.map((r, i) => el("th", {}, dot(i), " ", r.name)))),
      el("tbody", {}, keys.map(k => el("tr", {}, el("th", {}, all[0][k][0]), all.map(rows => el("td", { class: "long" }, known(rows[k][1]) ? String(rows[k][1]) : "–"))))))),
    data.runs.map((run, i) => el("div", { class: "run" }, several() && el("h3", {}, dot(i), " ", run.name),
      known(run.config_text) && remember(i + "/config", "config.yaml", el("pre", { class: "box" }, run.config_text)),
      remember(i + "/environment", "environment.json", el("pre", { class: "box" }, JSON.stringify(run.environment, null, 1))))));
}

function logs() {
  const parts = data.runs.map((run, i) => run.log.length && remember(i + "/log", (several() ? run.name + ": " : "") + (run.log_lines > run.log.length ? `the last ${run.log.length} of ${run.log_lines} lines` : `${run.log.length} lines`),
    el("pre", { class: "box log" }, run.log.join("\n"))));
  return parts.some(p => p) ? section("log", "Log", parts) : null;
}

/* ---- all of it ---- */

function render() {
  const names = data.runs.map(r => r.name).join(", ");
  document.title = names + " – ScoreCL";
  document.getElementById("title").textContent = names;
  const notes = data.runs.length === 1 ? get(data.runs[0].environment, "config") || data.runs[0].folder : data.runs.length + " runs beside each other";
  document.getElementById("subtitle").textContent = notes;
  document.getElementById("made").textContent = (data.follow ? "Follows the run; as of " : "Made ") + data.made.replace("T", " ").replace("Z", " UTC") + " by ScoreCL " + data.version + ".";
  show([overview(), timeline(), curves(), pictures(), evaluations(), profiles(), configs(), logs()]);
  for (const log of document.querySelectorAll("pre.log")) log.scrollTop = log.scrollHeight;
}

/* --follow: asks for what is new; a page that is held by the mouse waits. */
let held = false, tag = null;
addEventListener("pointerdown", () => { held = true; });
addEventListener("pointerup", () => { held = false; });
async function follow() {
  try {
    const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200 && !held) {
      tag = answer.headers.get("ETag");
      data = await answer.json();
      const y = scrollY;
      render();
      scrollTo(0, y);
    }
  } catch (fault) {
    document.getElementById("made").textContent = "The server has ended; this is what it said last, " + data.made + ".";
    return;
  }
  setTimeout(follow, 2000);
}

applyTheme();
render();
if (data.follow) follow();
