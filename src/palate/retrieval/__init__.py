"""From a listener or a seed to a few hundred candidates, each with who offered it and because of what.

Takes: a Query (record, taste, seeds, moment) and the Stock (what is known of the items at that moment).
Gives: Candidates, merged from several retrievers, with evidence; filters that say what they removed.
Promises: each item once; whatever is left out is counted with its reason; the same query gives the same candidates.
Does not know: the order in which they will be shown.
"""
