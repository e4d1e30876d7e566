"""The numbers of a listening test, each from plain arrays.

intervals.py   how sure a number is, when raters and cases are both a sample
agreement.py   Krippendorff's alpha
pairs.py       wins, Wilson's interval, the sign test, Holm's correction
preference.py  Davidson's model: strengths from comparisons with ties
"""
