"""Sweeps: many trainings with other settings, judged on the past, and whether the best of them is better.

One folder a sweep, home/lab/sweeps/<name>: what is asked (spec.py), the trials (study.py), the processes that work on
them (workers.py), whether the best wins where the search never looked (evidence.py), and its lines for palate.toml.
"""
