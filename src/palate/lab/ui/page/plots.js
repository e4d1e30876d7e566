// Plots in SVG, without a library. Each function returns a <figure> that draws itself as wide as its place, answers to
// the pointer, and to the arrow keys when it has the focus; what is under the cursor is also read out.
//
// Options of every plot: {title, note, height (pixels), label (for a screen reader; default the title)}.
//
// lineChart(series, options)      series: [{name, x: [numbers], y: [numbers or null], low?: [..], high?: [..], dim?: true}]
//   options: xLabel, yLabel, xFormat, yFormat, xLog, yLog, zero (the y axis begins at 0), legend (default: if several),
//   steps (true: a staircase), marks (true: a dot at each point)
// barChart(rows, options)         rows: [{label, value, low?, high?, note?, href?, dim?}], drawn in this order
//   options: format, max
// scatter(points, options)        points: [{x, y, label, group?, href?, note?}]
//   options: xLabel, yLabel, xFormat, yFormat, xLog, yLog, line (true: draws x = y)
// parallelCoordinates(rows, dimensions, options)
//   rows: [{values: {name: number or text}, label, href?, dim?}];  dimensions: [{name, label?, log?, format?}]
//   options: colour (name of the dimension that colours the lines; default the last), lower (true: less of it is better)
//   Drag along an axis to keep only the lines that pass there; a click on its name, or Escape, shows all again.
//
// hue(n) is the CSS colour of the n-th series, for legends of your own.

export { lineChart } from "./plots/line.js";
export { barChart } from "./plots/bars.js";
export { scatter } from "./plots/points.js";
export { parallelCoordinates } from "./plots/parallel.js";
export { hue } from "./plots/frame.js";
