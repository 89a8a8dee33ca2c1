"""A pytest plugin: where ``HEATERS_FORBID_SKIPS`` is set, a skipped test fails the session.

On a developer's machine a test may skip for want of a browser or a database server. Where all of
them are installed, a skip means that something is no longer tested, and nobody would notice.
"""

import os
from collections.abc import Iterator

import pytest

NO_SHARED_MATERIAL = "HEATERS_SHARED is not set"
"""A reason that is allowed: what is no part of the project cannot be installed with it."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a session that would have passed into a failed one."""
    if session.exitstatus == pytest.ExitCode.OK and any(_forbidden_skips(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name each skipped test with its reason."""
    lines = list(_forbidden_skips(config))
    if lines:
        terminalreporter.section("skipped, which HEATERS_FORBID_SKIPS forbids", red=True)
        for line in lines:
            terminalreporter.line(line)


def _forbidden_skips(config: pytest.Config) -> Iterator[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("HEATERS_FORBID_SKIPS"):
        return
    for report in reporter.stats.get("skipped", []):
        _, _, reason = report.longrepr
        if not reason.endswith(NO_SHARED_MATERIAL):
            yield f"{report.nodeid}: {reason}"
