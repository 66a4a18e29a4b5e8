"""What every test shares: the event loop, and the rule on skips."""

import os

import pytest


@pytest.fixture(scope="session")
def anyio_backend():
    return ("asyncio", {"use_uvloop": False})


LONGEST_FIRST = (
    "integration/test_whole_interview",
    "e2e",
    "integration/cli",
    "integration/test_relay",
    "faults",
    "integration/check",
    "conformance",
    "attacks",
    "integration",
    "unit",
)


def pytest_collection_modifyitems(config, items):
    """Where processes share the tests, none is to be left alone with the longest at last."""
    if not hasattr(config, "workerinput"):
        return

    def rank(item):
        path = item.nodeid.removeprefix("tests/")
        ranks = (n for n, start in enumerate(LONGEST_FIRST) if path.startswith(start))
        return next(ranks, len(LONGEST_FIRST))

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """A skipped test proves nothing: where CI is set, it fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    if os.environ.get("CI") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.write_line(f"{len(skipped)} skipped")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"  {report.nodeid}: {reason}")
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    # A test that ran on two servers may have the same to tell of both.
    told = {tuple(told): None for report in reports for told in _what_is_told(report)}
    for title, *lines in told:
        terminalreporter.write_line("\n  ".join([title, *lines]))


def _what_is_told(report):
    return [value for name, value in report.user_properties if name == "told"]
