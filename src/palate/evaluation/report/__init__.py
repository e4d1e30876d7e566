"""An evaluation as plain data, as a table to read in a terminal, and as a page with plots.

Start at data.py: the table and the page read nothing but what it gives.
"""
