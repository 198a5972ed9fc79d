"""What holds for all tests: the seed of the random order is said, and nothing is left in /tmp."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_folders_of_stable_baselines3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give models of Stable-Baselines3 a folder for their logs that goes with the tests.

    Without one each `learn` of a model without a logger leaves an empty /tmp/SB3-DATE behind.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SB3_LOGDIR", str(tmp_path_factory.mktemp("sb3")))
        yield


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the option that repeats the order; pytest-randomly's own line is lost under `-q`."""
    seed = config.getoption("randomly_seed", default=None)
    if seed is not None:
        terminalreporter.write_line(f"Order of the tests: --randomly-seed={seed}")
