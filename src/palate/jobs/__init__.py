"""The offline chain, from settings to a published space: resumable, each step a Luigi task with a target.

Takes: a home and its settings.
Gives: imports, snapshots, fitted models, a published and promoted space, batch answers.
Promises: killed at any moment and run again, it continues and ends with the same result.
Does not know: HTTP.
"""
