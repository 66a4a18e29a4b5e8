"""What every test shares: the event loop, and the rule on skips."""

import os

import pytest


@pytest.fixture(scope="session")
def anyio_backend():
    return ("asyncio", {"use_uvloop": False})


LONGEST_FIRST = ("e2e", "faults", "conformance", "integration", "attacks", "unit")


def pytest_collection_modifyitems(config, items):
    """Where processes share the tests, none is to be left alone with the longest at last."""
    if not hasattr(config, "workerinput"):
        return

    def rank(item):
        folder = item.nodeid.removeprefix("tests/").partition("/")[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

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
