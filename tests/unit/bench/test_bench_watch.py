"""The verdict on recruiters' screens: by the longest delay of the slowest one."""

from bench.watch import LIMIT_SECONDS, report


def test_the_longest_delay_decides_and_each_screen_has_a_line():
    kept = report([(0.25, 0.5), (0.75, 0.25), (0.5, LIMIT_SECONDS)])
    assert kept.holds
    assert [line.split() for line in kept.text.splitlines()] == [
        ["watch", "p50", "max", "limit"],
        ["screen", "1", "0.50", "s", "0.75", "s"],
        ["screen", "2", "0.50", "s", "2.00", "s"],
        ["all", "screens", "0.75", "s", "2.00", "s", "<=", "2", "s", "holds"],
    ]
    assert not report([(0.25, 0.25), (0.25, LIMIT_SECONDS + 0.01)]).holds
