"""Variants of the foundation, each of them one answer changed, for `benchmarks/ablations.py` to judge.

variants.py has the list; workshop.py what they share in a week; ranked.py how vectors become lists; showing.py the
page.
"""
