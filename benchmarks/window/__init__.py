"""The picture of the batching window that benchmarks/fresh.py draws."""
