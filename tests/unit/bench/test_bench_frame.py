"""The measuring frame: what is compared with what, and when a promise counts as broken."""

import pytest
from bench.rounds import Round, Spread, alternate
from bench.verdicts import Figure, Judged, table

QUIET = Round(product=(0.004, 0.005, 0.006), floor=(0.002, 0.002, 0.002))
NOISY = Round(product=(0.040, 0.050, 0.060), floor=(0.020, 0.020, 0.020))


def figure(*, judged=Judged.RATIO, limit=3.0, rounds=(QUIET,), goal=None):
    return Figure(
        name="start",
        unit="ms",
        judged=judged,
        limit=limit,
        goal=goal,
        rounds=rounds,
        floor_is="one raw commit",
    )


async def test_sides_take_turns_and_no_side_always_begins():
    order = []

    async def product():
        order.append("p")
        return 2.0

    async def floor():
        order.append("f")
        return 1.0

    rounds = await alternate("a", product=product, floor=floor, rounds=5, samples=2, warm_up=1)

    assert "".join(order) == "pf" + "ppff" + "ffpp" + "ppff" + "ffpp" + "ppff"
    assert rounds == [Round((2.0, 2.0), (1.0, 1.0))] * 5


async def test_the_warm_up_is_not_counted():
    samples = iter([99.0, *[1.0] * 5])

    async def product():
        return next(samples)

    async def floor():
        return 1.0

    rounds = await alternate("a", product=product, floor=floor, rounds=5, samples=1, warm_up=1)
    assert [round_.ratio for round_ in rounds] == [1.0] * 5


async def test_too_few_rounds_are_refused():
    with pytest.raises(ValueError, match="at least 5"):
        await alternate("a", product=None, floor=None, rounds=4)


def test_a_round_on_a_slow_machine_counts_like_one_on_a_fast_machine():
    assert figure(rounds=[QUIET, NOISY]).value == Spread(2.5, 2.5)


def test_the_upper_quartile_shows_what_the_median_hides():
    assert Spread.of([1, 2, 3, 4, 100]) == Spread(3, 4)
    assert Spread.of([7]) == Spread(7, 7)


@pytest.mark.parametrize(
    ("judged", "limit", "holds"),
    [
        (Judged.RATIO, 2.5, True),
        (Judged.RATIO, 2.4, False),
        (Judged.ADDED, 3.0, True),
        (Judged.ADDED, 2.9, False),
        (Judged.PRODUCT, 5.0, True),
        (Judged.PRODUCT, 4.9, False),
    ],
)
def test_a_promise_holds_up_to_its_limit(judged, limit, holds):
    assert figure(judged=judged, limit=limit).holds is holds


def test_a_missed_goal_is_shown_but_breaks_no_promise():
    shown = figure(judged=Judged.ADDED, limit=5.0, goal=1.0)
    assert shown.holds
    assert "<= 1 ms" in table([shown])


def test_the_table_shows_each_figure_beside_its_floor_with_its_verdict():
    lines = table([figure(), figure(limit=1.0)]).splitlines()
    shown = "start 5.00 ms (5.50) 2.00 ms (2.00) 2.50 x (2.50) <= 3 x - holds"
    assert " ".join(lines[1].split()) == shown
    assert lines[2].endswith("MISSED")
    assert lines[-1] == "floor of start: one raw commit"
