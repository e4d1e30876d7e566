"""Listening tests: people compare sounds or slates without knowing what made them, and the answers become numbers.

design.py      the test as a value; which tasks a rater gets, in which order, on which side
media.py       sound files: recognised, stripped of their tags, measured
stimuli.py     a folder of sounds -> cases
shelf.py       tests on disk: made, opened, listed
ledger.py      one durable line more in a file
answers.py     what raters answered, each once, the last one counts
screening.py   which raters fail what has a known answer
statistics/    intervals, agreement, comparisons, the preference model
results.py     all of it for one test, with and without the raters who fail
words.py       results as text
exchange.py    CSV out to a rating service and back, and training labels
routes.py      HTTP: the raters' page, and the lab's view
serve.py       the raters' page alone, for a phone in the same network
"""
