"""The crash campaigns: real processes, kill -9 at random moments, and the outside's own counters.

`python -m tests.chaos` (make chaos) runs the whole; tests/chaos/test_*.py runs a sample.
"""
