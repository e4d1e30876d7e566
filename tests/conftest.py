"""What holds for every test."""

from hypothesis import settings

# No test is timed: a slow or busy machine must not turn a right answer into a failure.
settings.register_profile("palate", deadline=None)
settings.load_profile("palate")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument: packed or random ones change between the workers, which must agree."""
    return argname if isinstance(val, bytes) else None
