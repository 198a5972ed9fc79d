"""Intervals and tests that the league's verdicts rest on: pure functions, each with its source."""
