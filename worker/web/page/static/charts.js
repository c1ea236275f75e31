"use strict";
// Draws what a table below each chart says in figures. Colours are the page's own, so that they follow its scheme.
(() => {
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [1, 4]];
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = () => ({ stroke: ink("--dim"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } });

  const draw = (place) => {
    const found = JSON.parse(place.dataset.chart);
    const lines = found.names.map((label, at) => ({
      label, stroke: ink(`--c${at % 6}`), dash: dashes[at % 6], width: 2, spanGaps: true, points: { size: 5 },
    }));
    return new uPlot(
      {
        width: place.clientWidth, height: 180, series: [{}, ...lines], axes: [axis(), axis()],
        legend: { show: false }, cursor: { show: false }, scales: { y: { range: (_, low, high) => [0, found.most || Math.max(1, high)] } },
      },
      [found.at, ...found.values], place);
  };

  const all = [...document.querySelectorAll("[data-chart]")].map((place) => ({ place, chart: draw(place) }));
  new ResizeObserver(() => all.forEach(({ place, chart }) => chart.setSize({ width: place.clientWidth, height: 180 })))
    .observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all.forEach((one) => {
    one.chart.destroy();
    one.chart = draw(one.place);
  }));
})();
