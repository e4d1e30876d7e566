"""Reports: a text file that people edit, filled from runs, as one page that opens anywhere.

Takes: a recipe (Markdown with blocks that name runs) and the runs of a home.
Gives: one HTML file with text, tables, plots, pictures and sounds in it, and a PDF of it.
Promises: no script, no network; the same recipe and runs give the same bytes; a mistake is named by file and line.
Does not know: how runs come about, what their numbers mean.
"""
