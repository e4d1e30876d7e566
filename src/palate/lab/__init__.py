"""The lab: every training and judging is a run, kept whole, compared afterwards and shown to people.

Takes: what work says while it runs (core/recording.py), and what raters answer.
Gives: runs that are listed, filtered and compared; sweeps, importances, profiles, reports and listening tests.
Promises: what `log` accepted survives kill -9; a full disk or a lost tracker never stops the work that is recorded.
Does not know: what is inside a model.
"""
