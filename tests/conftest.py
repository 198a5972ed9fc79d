"""The seed of the random order stands at the end of each run, so that a failure can be repeated."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the option that repeats the order; pytest-randomly's own line is lost under `-q`."""
    seed = config.getoption("randomly_seed", default=None)
    if seed is not None:
        terminalreporter.write_line(f"Order of the tests: --randomly-seed={seed}")
