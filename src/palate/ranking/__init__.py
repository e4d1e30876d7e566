"""From candidates to an order: features as of the moment, a learnt score, variety.

Takes: Candidates, the Query and the Stock that made them.
Gives: the same candidates scored and ordered.
Promises: features read nothing after the moment; training and serving compute them with the same code.
Does not know: where candidates came from beyond their columns, what a screen looks like.
"""
