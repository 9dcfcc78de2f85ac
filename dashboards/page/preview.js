// Draws the lines of the preview with uPlot; the figures stand in the page as JSON.

const data = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const ink = dark ? "#98a2b3" : "#667085", edge = dark ? "#30363f" : "#e5e8ed";
const span = (s) => { const a = Math.abs(s); return a >= 86400 ? +(s/86400).toPrecision(3) + " d" : a >= 3600 ? +(s/3600).toPrecision(3) + " h"
  : a >= 60 ? +(s/60).toPrecision(3) + " min" : a >= 1 || !a ? +s.toPrecision(3) + " s" : +(s*1000).toPrecision(3) + " ms"; };
const size = (n) => n >= 1e9 ? +(n/1e9).toPrecision(3) + " GB" : n >= 1e6 ? +(n/1e6).toPrecision(3) + " MB" : n >= 1e3 ? +(n/1e3).toPrecision(3) + " kB" : n + " B";
const word = {s: span, bytes: size, percentunit: (n) => +(n*100).toPrecision(4) + " %"};
for (const place of document.querySelectorAll("[data-plot]")) {
  const p = data[place.dataset.plot], fill = p.stacked || p.bars;
  const options = {
    width: place.clientWidth, height: place.clientHeight, cursor: {show: false}, legend: {live: false},
    axes: [{stroke: ink, grid: {stroke: edge, width: 1}}, {stroke: ink, grid: {stroke: edge, width: 1}, size: 72,
      values: (u, ticks) => ticks.map((n) => (word[p.unit] || String)(n))}],
    scales: {x: {range: () => p.range}, y: {range: (u, low, high) => { low = p.low ?? low; high = p.high ?? high; if (low === high) high = low + 1;
      return [low, p.high == null ? high + (high - low) * 0.05 : high]; }}},
    series: [{}, ...p.names.map((label, n) => ({label, stroke: p.colours[n], width: 1.5, spanGaps: true, points: {show: p.x.length < 3},
      fill: fill ? p.colours[n] : undefined, paths: p.bars ? uPlot.paths.bars({size: [0.6, 20, 2]}) : undefined}))],
    hooks: {draw: [(u) => { for (const [value, colour] of p.steps) { const y = u.valToPos(value, "y", true);
      if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) continue; u.ctx.save(); u.ctx.strokeStyle = colour; u.ctx.setLineDash([6, 4]);
      u.ctx.beginPath(); u.ctx.moveTo(u.bbox.left, y); u.ctx.lineTo(u.bbox.left + u.bbox.width, y); u.ctx.stroke(); u.ctx.restore(); } }]},
  };
  const plot = new uPlot(options, [p.x, ...p.values], place);
  requestAnimationFrame(() => {  // once it is laid out: the legend takes of the lines' height, up to two rows
    const over = place.scrollHeight - options.height;
    plot.setSize({width: options.width, height: Math.max(options.height - Math.min(over, 60), 80)});
  });
}
