// The latency chart of a check's page: uPlot draws the lines, this draws the failures below them and keeps both fresh.
// Its place is <div data-chart data-url data-measure>; its figures are collector.web.series.Chart.
// Nothing here writes HTML from what was measured, and styles go through the CSSOM, as the security policy asks.

const EVERY_MS = 30000;
const SHADES = 8;
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];
const LANE = 7;

const two = (n) => String(n).padStart(2, "0");
const clock = (s) => { const d = new Date(s * 1000); return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`; };
const day = (s) => new Date(s * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const took = (ms) => (ms == null ? "–" // as parallax.spans.measured says it
  : ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`);

function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text != null) made.textContent = text;
  return made;
}

// The chart's figures with the later ones put in: what came twice is the later answer's, what is too old goes.
export function joined(old, later) {
  const steps = Math.round((old.until_s - old.since_s) / old.step_s);
  const cut = Math.round((later.since_s - old.since_s) / old.step_s);
  const grown = Math.round((later.until_s - old.since_s) / old.step_s);
  if (later.step_s !== old.step_s || cut < 0 || cut > steps) return null;
  const drop = Math.max(grown - steps, 0);
  const names = [...new Set([...old.lines, ...later.lines].map((line) => line.probe))].sort();
  const find = (chart, name) => chart.lines.find((line) => line.probe === name);
  const none = (n) => new Array(Math.max(n, 0)).fill(null);
  const lines = names.map((probe) => {
    const [a, b] = [find(old, probe), find(later, probe)];
    const column = (key) => [...(a ? a[key].slice(0, cut) : none(cut)), ...(b ? b[key] : none(grown - cut))].slice(drop);
    const failed = [
      ...(a ? a.failed.filter(([at]) => at < cut) : []),
      ...(b ? b.failed.map(([at, n, of]) => [at + cut, n, of]) : []),
    ].map(([at, n, of]) => [at - drop, n, of]).filter(([at]) => at >= 0);
    return { probe, p50_ms: column("p50_ms"), p95_ms: column("p95_ms"), failed };
  }).filter((line) => line.failed.length || line.p50_ms.some((value) => value != null));
  return { since_s: old.since_s + drop * old.step_s, until_s: later.until_s, step_s: old.step_s, lines };
}

class LatencyChart {
  constructor(place) {
    this.place = place;
    this.key = `${place.dataset.measure}_ms`;
    this.hidden = new Set();
    this.figures = null;
    this.plot = null;
    this.frame = element("div", "chart-frame");
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "group");
    this.frame.setAttribute("aria-label", "Latency chart. Left and right arrows read it step by step; the table below has the same figures.");
    this.said = element("p", "chart-said");
    this.said.setAttribute("aria-live", "polite");
    this.legend = element("ul", "chart-legend");
    this.legend.setAttribute("aria-label", "Probes in the chart");
    this.note = element("p", "note");
    this.note.setAttribute("role", "status");
    place.replaceChildren(this.frame, this.said, this.legend, this.note);
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#resize()).observe(this.frame);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
      matchMedia(query).addEventListener("change", () => this.#recolour());
    document.addEventListener("visibilitychange", () => this.#refresh());
    setInterval(() => this.#refresh(), EVERY_MS);
    this.#refresh();
  }

  async #refresh() {
    if (document.hidden || this.busy) return;
    this.busy = true;
    try {
      const old = this.figures?.lines.length ? this.figures : null;
      const url = new URL(this.place.dataset.url, location.href);
      // The last two steps may still have grown.
      if (old) url.searchParams.set("since", String(old.until_s - 2 * old.step_s));
      const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message || `the collector answers ${answer.status}`);
      const came = await answer.json();
      this.figures = old ? joined(old, came) : came;
      if (!this.figures) return void setTimeout(() => this.#refresh(), 0);  // away for too long: all of it again
      this.#show();
      this.fresh = Date.now() / 1000;
      this.note.textContent = this.figures.lines.length ? "" : this.place.dataset.empty;
    } catch (error) {
      const since = this.fresh ? `The chart is not fresh since ${clock(this.fresh)} UTC` : "The chart has no figures";
      this.note.textContent = `${since}: ${error.message}. It goes on trying.`;
    } finally {
      this.busy = false;
    }
  }

  #show() {
    const { lines, since_s, until_s, step_s } = this.figures;
    const names = lines.map((line) => line.probe).join("\n");
    if (!this.plot || names !== this.names) {
      this.names = names;
      this.#build();
    }
    if (!this.plot) return;
    const times = Array.from({ length: Math.round((until_s - since_s) / step_s) }, (_, i) => since_s + i * step_s);
    this.plot.batch(() => {
      this.plot.setData([times, ...lines.map((line) => line[this.key])], false);
      this.plot.setScale("x", { min: since_s, max: until_s });
      this.#scale();
    });
    this.#read(this.at == null ? null : Math.min(this.at, times.length - 1));
  }

  #scale() {
    const shown = this.figures.lines.filter((line) => !this.hidden.has(line.probe));
    let most = 0;
    for (const line of shown) for (const value of line[this.key]) if (value > most) most = value;
    this.plot.setScale("y", { min: 0, max: most * 1.08 || 1 });
  }

  #build() {
    const { lines } = this.figures;
    this.plot?.destroy();
    this.plot = null;
    this.legend.replaceChildren();
    this.frame.hidden = !lines.length;
    if (!lines.length) return;
    const lanes = lines.length * LANE + 4;
    this.colours();
    const axis = { stroke: () => this.ink, grid: { stroke: () => this.rule, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot({
      ...this.#size(lanes),
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      scales: { x: { time: true }, y: { auto: false } },
      axes: [
        { ...axis, gap: lanes + 4, size: lanes + 26, space: 60, values: (_, at) => at.map((s) => (s % 86400 ? clock(s) : day(s))) },
        { ...axis, size: 62, values: (_, at) => at.map((ms) => (ms === 0 ? "0" : ms < 1000 ? `${+ms.toPrecision(4)} ms` : `${+(ms / 1000).toPrecision(4)} s`)) },
      ],
      series: [
        {},
        ...lines.map((line, i) => ({
          label: line.probe,
          stroke: () => this.shades[i % SHADES],
          width: 1.5,
          dash: DASHES[Math.floor(i / SHADES) % DASHES.length],
          show: !this.hidden.has(line.probe),
          points: { size: 4 },
        })),
      ],
      hooks: { draw: [(plot) => this.#drawFailures(plot)], setCursor: [(plot) => this.#read(plot.cursor.idx)] },
    }, [[], ...lines.map(() => [])], this.frame);
    lines.forEach((line, i) => this.legend.append(this.#button(line, i)));
  }

  #button(line, i) {
    const item = element("li"), button = element("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!this.hidden.has(line.probe)));
    const swatch = element("span", `swatch shade-${i % SHADES}`);
    if (i >= SHADES) swatch.classList.add("dashed");
    button.append(swatch, element("span", "name", line.probe), element("span", "value"));
    button.addEventListener("click", () => {
      if (!this.hidden.delete(line.probe)) this.hidden.add(line.probe);
      const shown = !this.hidden.has(line.probe);
      button.setAttribute("aria-pressed", String(shown));
      this.plot.batch(() => { this.plot.setSeries(i + 1, { show: shown }); this.#scale(); });
    });
    item.append(button);
    return item;
  }

  // One row a probe, below the time axis: a mark for each step in which something failed.
  #drawFailures(plot) {
    const { ctx, bbox } = plot, ratio = devicePixelRatio || 1;
    const { lines, since_s, step_s, until_s } = this.figures;
    const wide = Math.max((bbox.width * step_s) / (until_s - since_s), 3 * ratio);
    ctx.save();
    lines.forEach((line, i) => {
      const top = bbox.top + bbox.height + (4 + i * LANE) * ratio;
      ctx.globalAlpha = this.hidden.has(line.probe) ? 0.3 : 1;
      ctx.fillStyle = this.lane;
      ctx.fillRect(bbox.left, top, bbox.width, (LANE - 2) * ratio);
      ctx.fillStyle = this.shades[i % SHADES];
      ctx.fillRect(bbox.left - 9 * ratio, top, 6 * ratio, (LANE - 2) * ratio);
      for (const [at, failed, of] of line.failed) {
        const left = plot.valToPos(since_s + at * step_s, "x", true);
        ctx.fillStyle = failed === of ? this.bad : this.part;
        const high = failed === of ? LANE - 2 : (LANE - 2) / 2;
        ctx.fillRect(left, top + (LANE - 2 - high) * ratio, Math.min(wide, bbox.left + bbox.width - left), high * ratio);
      }
    });
    ctx.restore();
  }

  // The figures at one step: in the legend, and in a sentence.
  #read(at) {
    const { lines, since_s, step_s } = this.figures;
    this.at = at ?? null;
    const failing = [];
    let measured = false;
    lines.forEach((line, i) => {
      const failed = at == null ? null : line.failed.find(([step]) => step === at);
      measured ||= failed != null || line[this.key][at] != null;
      if (failed) failing.push(`${line.probe} ${failed[1]} of ${failed[2]}`);
      const value = this.legend.children[i]?.querySelector(".value");
      if (value) value.textContent = at == null ? "" : failed && line[this.key][at] == null ? "failed" : took(line[this.key][at]);
    });
    if (at == null) this.said.textContent = "";
    else {
      const from = since_s + at * step_s;
      this.said.textContent = `${day(from)} ${clock(from)}–${clock(from + step_s)} UTC: ` + (failing.length ? `failed: ${failing.join(", ")}` : measured ? "no failure" : "nothing measured");
    }
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (event.target !== this.frame || !this.plot || (steps === undefined && event.key !== "Escape")) return;
    event.preventDefault();
    if (event.key === "Escape") return void this.plot.setCursor({ left: -10, top: -10 });
    const times = this.plot.data[0], last = times.length - 1;
    const at = Math.min(Math.max((this.at ?? (steps < 0 ? last + 1 : -1)) + steps, 0), last);
    this.plot.setCursor({ left: this.plot.valToPos(times[at], "x"), top: 0 });
    this.#read(at);
  }

  #size(lanes = this.figures.lines.length * LANE + 4) {
    const width = Math.max(this.frame.clientWidth, 200);
    return { width, height: Math.round(Math.min(Math.max(width * 0.32, 190), 340)) + lanes };
  }

  #resize() {
    if (!this.plot) return;
    const { width, height } = this.#size();
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
  }

  colours() {
    const style = getComputedStyle(this.place);
    const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    this.ink = value("--chart-ink", "#555");
    this.rule = value("--chart-rule", "#ddd");
    this.lane = value("--chart-lane", "#eee");
    this.bad = value("--chart-bad", "#c00");
    this.part = value("--chart-part", "#e80");
    this.shades = Array.from({ length: SHADES }, (_, i) => value(`--shade-${i}`, "#36c"));
  }

  #recolour() {
    this.colours();
    this.plot?.redraw(false, true);
  }
}

if (typeof document !== "undefined")
  for (const place of document.querySelectorAll("[data-chart]")) new LatencyChart(place);
