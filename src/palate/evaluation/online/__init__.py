"""Experiments with listeners: was the variant better, is it safe, may the numbers be trusted?

Takes: an Experiment, its Exposures, the History of what its listeners did.
Gives: effects with intervals that hold whenever one looks, checks of the experiment itself, a decision in words; and
    replay: what another policy would have got from the same log.
Promises: every listener counts once, in the variant met first, over a window of equal length.
Does not know: who serves the variants.
"""
