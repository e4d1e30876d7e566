"""HTTP over one home: events in, slates and tastes out, and a plain page to look at it.

Takes: requests; a trained home and its settings.
Gives: JSON answers, /metrics, /health, /docs, the page at /.
Promises: 202 means on disk; whatever a client sends is answered with a sentence, never with a stack trace.
Does not know: how a slate is made; training; who is allowed to ask (put a proxy in front for that).
"""
