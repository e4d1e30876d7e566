"""What holds for every test."""

from hypothesis import settings

# No test is timed: a slow or busy machine must not turn a right answer into a failure.
settings.register_profile("palate", deadline=None)
settings.load_profile("palate")
