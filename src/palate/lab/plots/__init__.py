"""Plots as inline SVG, by functions of our own: no library, no script, nothing fetched.

Takes: numbers and names.
Gives: one `<svg>` each, with its own styles for light, dark and paper; it is whole as a file and inside a page.
Promises: horizontal places are shares of the width, so one drawing fits a phone and a desk with its text at real size;
    every mark has its numbers as a tooltip; the same numbers give the same bytes; nothing to draw is said in words.
Does not know: runs, files, pages.
"""

from palate.lab.plots.bar import bar_plot
from palate.lab.plots.line import line_plot
from palate.lab.plots.parallel import parallel_plot
from palate.lab.plots.scale import in_figures
from palate.lab.plots.scatter import scatter_plot

__all__ = ["bar_plot", "in_figures", "line_plot", "parallel_plot", "scatter_plot"]
