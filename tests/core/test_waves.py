"""Waves: what has nothing to do with each other is written at the same time, and nothing else is."""

from core.clusters import NOW, apart, cluster, lost, proven, record, session, spec, together
from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Kind, Settings
from stanchion.model.groups import Group
from stanchion.plan.planner import pressing, settled
from stanchion.plan.waves import waves

MANY = [f"vm{number:02}" for number in range(40)]


def bereft(*groups: Group) -> ClusterView:
    """Give a cluster whose node c provably runs nothing any more, with forty machines on it."""
    records = [part for name in MANY for part in (spec(name), record(name=name, node="c"))]
    view = cluster(*records, settings=Settings(cluster="test", groups=groups))
    return lost(view, "c", proven("c"))


def round_of(view: ClusterView) -> tuple[Decision, ...]:
    """Give what the master decides about the resources."""
    return settled(view, session(view), NOW)


def names(wave: tuple[Decision, ...]) -> list[str]:
    """Name the resources that a wave is about."""
    return [put.key.name for decision in wave for put in decision.transaction.puts if put.key.kind is Kind.STATE]


def test_machines_that_have_nothing_to_do_with_each_other_go_sixteen_at_a_time_in_the_order_of_the_round() -> None:
    """Forty decisions are three waits for the store instead of forty."""
    view = bereft()
    decided = round_of(view)
    made = list(waves(view, decided))
    assert [len(wave) for wave in made] == [16, 16, 8]
    assert [decision for wave in made for decision in wave] == list(decided)


def test_those_that_are_kept_together_or_apart_follow_one_another() -> None:
    """Where the second one goes is right only once the first one is written."""
    for group in (together("vm03", "vm07"), apart("vm03", "vm07")):
        view = bereft(group)
        for wave in waves(view, round_of(view)):
            assert not {"vm03", "vm07"} <= set(names(wave))


def test_one_decision_that_writes_what_another_one_rests_on_does_not_go_with_it() -> None:
    """The same decision twice: the second can only be refused, and so it has to be after the first."""
    view = bereft()
    first = round_of(view)[0]
    assert list(waves(view, (first, first))) == [(first,), (first,)]


def test_what_is_not_about_resources_goes_alone() -> None:
    """Who is a member is written before what is proven about who is not: history is read in that order."""
    view = lost(lost(cluster(nodes="abcde"), "d"), "e")
    decided = pressing(view, session(view), NOW)
    assert len(decided) == 3
    assert list(waves(view, decided)) == [(decision,) for decision in decided]
