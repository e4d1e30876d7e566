"""Drawings as inline SVG, by functions of our own: no library, no script, nothing fetched.

Takes: estimates and names.
Gives: markup whose horizontal positions are shares of the width, so that one drawing fits a phone and a desk, with text
at its real size on both.
Promises: every mark has its numbers as a tooltip; what cannot be drawn raises no error and leaves no broken picture.
Does not know: tasks, methods, files.
"""
