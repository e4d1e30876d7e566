"""A picture of a space, and the numbers that keep it honest, for `benchmarks/space_map.py`.

views.py   which items are shown, with their labels and what they share, of a home or of playlists with genres
nearest.py the share of nearest neighbours with the same label, beside chance
drawing.py two dimensions, and the SVG
"""
