// Draws the courses that pages have as SVG and as a table once more with uPlot, so that one can point at them.
(function () {
  "use strict";

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function amount(value, figure) {
    if (value === null || value === undefined) return "–";
    const scale = Number(figure.dataset.scale || 0);
    if (figure.dataset.unit === "bytes" && scale === 0) {
      const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
      let size = value, unit = 0;
      while (Math.abs(size) >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
      return size.toLocaleString(undefined, { maximumSignificantDigits: 3 }) + " " + units[unit];
    }
    const real = value / 10 ** scale;
    const [size, word] = [[1e12, " T"], [1e9, " B"], [1e6, " M"]].find(([one]) => Math.abs(real) >= one) || [1, ""];
    return (real / size).toLocaleString(undefined, { maximumFractionDigits: 2 }) + word;
  }

  function day(seconds) {
    const moment = new Date(seconds * 1000);
    const atMidnight = moment.getHours() === 0 && moment.getMinutes() === 0;
    return moment.toLocaleString(undefined, atMidnight ? { day: "numeric", month: "short" } : { timeStyle: "short" });
  }

  function draw(figure) {
    const rows = document.querySelectorAll("#" + figure.dataset.chart + " tbody tr");
    const plot = figure.querySelector(".chart-plot");
    const times = [], values = [], limits = [], resets = [];
    const limit = figure.dataset.limit ? Number(figure.dataset.limit) : null;
    for (const row of rows) {
      const start = Number(row.dataset.start) / 1e6;
      times.push(start);
      values.push(Number(row.dataset.highest));
      limits.push(limit);
      if ("resets" in row.dataset) resets.push(start);
    }
    // The last step goes on until now.
    times.push(Number(figure.dataset.now) / 1e6);
    values.push(values[values.length - 1]);
    limits.push(limit);
    const highest = Math.max(1, ...values);
    const top = limit !== null && limit <= 4 * highest ? Math.max(limit, highest) : highest;
    const ink = color("--soft"), grid = color("--line"), accent = color("--accent");
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    // While nobody points at the chart, its legend tells of the last step.
    const last = rows.length - 1;
    figure.classList.add("chart-live");
    const chart = new uPlot({
      width: plot.clientWidth,
      height: 220,
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: [0, top * 1.08] } },
      axes: [{ ...axis, space: 70, values: (_, ticks) => ticks.map(day) }, { ...axis, size: 74, values: (_, ticks) => ticks.map((one) => amount(one, figure)) }],
      series: [
        { label: "From", value: (_, time) => new Date((time ?? times[last]) * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) },
        { label: "Highest", stroke: accent, width: 2, fill: accent + "33", paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, value: (_, one) => amount(one ?? values[last], figure) },
        { label: "Limit", show: limit !== null && limit <= top, stroke: color("--bad"), dash: [6, 4], width: 1.5, points: { show: false }, value: (_, one) => amount(one ?? limit, figure) },
      ],
      hooks: {
        draw: [function (self) {
          const context = self.ctx;
          context.save();
          context.strokeStyle = color("--edge");
          context.setLineDash([2, 3]);
          for (const reset of resets) {
            const x = self.valToPos(reset, "x", true);
            context.beginPath();
            context.moveTo(x, self.bbox.top);
            context.lineTo(x, self.bbox.top + self.bbox.height);
            context.stroke();
          }
          context.restore();
        }],
      },
    }, [times, values, limits], plot);
    new ResizeObserver(function () {
      chart.setSize({ width: plot.clientWidth, height: 220 });
    }).observe(figure);
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure);
})();
