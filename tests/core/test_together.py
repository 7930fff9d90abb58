"""Resources that are kept together: who leads, where the others may be, and how they come after it."""

import pytest

from core.clusters import (
    NOW,
    apart,
    cluster,
    lost,
    moving,
    order,
    place,
    proven,
    record,
    settled,
    spec,
    together,
    written,
)
from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Record, Settings
from stanchion.model.groups import Group
from stanchion.model.orders import Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import FailbackMode, FailureAction, Monitoring
from stanchion.model.state import AlertKind, Mark, Phase, State
from stanchion.plan import monitoring, recovery
from stanchion.plan.explain import explain
from stanchion.plan.monitoring import Failure
from stanchion.plan.orders import refusal
from stanchion.plan.placement import candidates, rejection
from stanchion.plan.together import joined, leader, members

PAIR = together("web", "db")


def kept(*records: Record, groups: tuple[Group, ...] = (PAIR,), **words: object) -> ClusterView:
    """A cluster in which ``web`` leads and ``db`` is kept together with it."""
    return cluster(*records, settings=Settings(cluster="test", groups=groups), **words)  # type: ignore[arg-type]


def both(web: str | None = "a", db: str | None = "a", *, web_on: str = "abc", db_on: str = "abc",
         groups: tuple[Group, ...] = (PAIR,), live: bool = False, **words: object) -> ClusterView:
    """Both resources, running there or offline; the further words are policies of both."""
    states = [record(State.OFFLINE if node is None else State.RUNNING, node, name=name)
              for name, node in (("web", web), ("db", db))]
    return kept(spec(preferred=web_on, live=live, **words), spec("db", preferred=db_on, live=live, **words), *states,
                groups=groups)


def told(view: ClusterView, name: str, node: str) -> Reason | None:
    """Why the resource may not be there."""
    return rejection(view, view.specs[name].value, node)


def test_whoever_starts_goes_where_the_others_are() -> None:
    view = both(web="b", db=None)

    assert candidates(view, view.specs["db"].value).nodes == ("b",)
    assert told(view, "db", "a") == reason(Why.NODE_PARTED, "a", "web", "b")
    assert told(both(web=None, db="c"), "web", "a") == reason(Why.NODE_PARTED, "a", "db", "c")


def test_the_refusal_says_whom_to_move_instead() -> None:
    why = refusal(both(), order(Verb.MIGRATE, "db", "b"))

    assert why is not None
    assert sentence(why) == ("it is kept together with web, which is on a, so it cannot be on b; "
                             "`stanchion migrate web b` moves both")


def test_the_leader_moves_and_the_other_follows_once_it_runs() -> None:
    view = settled(written(both(live=True), order(Verb.MIGRATE, "web", "b")))
    assert view.states["web"].value.state is State.MIGRATING
    assert place(view.states["db"].value) == (State.RUNNING, "a")

    view = settled(written(view, record(node="b")))

    follower = view.states["db"].value
    assert (follower.state, follower.move and follower.move.target) == (State.MIGRATING, "b")
    assert follower.reason == reason(Why.FOLLOWS_GROUP, "web", "b")


def test_a_leader_goes_only_where_the_others_can_come_along() -> None:
    view = both(db_on="ac")

    assert told(view, "web", "b") == reason(Why.NODE_PARTS, "b", "db", "b is not among its preferred nodes")
    assert told(view, "web", "c") is None


def test_what_runs_elsewhere_is_not_in_the_leader_s_way() -> None:
    assert told(both(db="c", db_on="ac"), "web", "b") is None


def test_a_follower_whose_target_would_not_take_it_is_not_sent_there_again() -> None:
    for why in (Why.PREFLIGHT_FAILED, Why.MIGRATE_FAILED):
        view = written(both(web="b"), record(name="db", reason=reason(why, "b", "no file", "a")))
        assert place(settled(view).states["db"].value) == (State.RUNNING, "a")


def test_following_has_a_budget() -> None:
    view = written(both(web="b"), record(name="db", moves=(NOW.wall_s,) * 6))

    assert place(settled(view).states["db"].value) == (State.RUNNING, "a")


@pytest.mark.parametrize("first", ["web", "db"])
def test_all_of_a_lost_node_go_to_one_node_that_can_hold_them_all(first: str) -> None:
    """The first choice of either would be another one."""
    priorities = {name: 9 if name == first else 0 for name in ("web", "db")}
    view = kept(spec(preferred="abd", priority=priorities["web"]), spec("db", preferred="acd",
                priority=priorities["db"]), record(), record(name="db"), nodes="abcd")

    view = settled(lost(view, "a", proven("a")))

    assert {place(view.states[name].value) for name in ("web", "db")} == {(State.LOADING, "d")}


def test_where_no_node_can_hold_all_the_first_one_runs_and_the_others_wait() -> None:
    view = kept(spec(preferred="ab", priority=9), spec("db", preferred="ac"), record(), record(name="db"))

    view = settled(lost(view, "a", proven("a")))

    assert place(view.states["web"].value) == (State.LOADING, "b")
    waits = view.states["db"].value
    assert waits.state is State.UNASSIGNED
    assert "kept together with web, which is on b" in sentence(waits.reason)


def test_a_node_that_is_being_emptied_is_left_by_all_for_one_node() -> None:
    view = kept(spec(), spec("db"), record(), record(name="db"), left="a")

    view = settled(view)

    targets = {view.states[name].value.move and view.states[name].value.move.target for name in ("web", "db")}
    assert targets == {"b"}


def test_a_follower_does_not_fail_back_by_itself_and_comes_along_when_the_leader_does() -> None:
    view = both("b", "b", failback=FailbackMode.AUTO)
    alone = written(view, record(node="b", settled_for="a1"))

    assert place(settled(alone).states["db"].value) == (State.RUNNING, "b")
    view = settled(view)
    for name in ("web", "db"):
        moved = view.states[name].value
        assert (moved.move and moved.move.target, moved.reason.why) == ("a", Why.FAILBACK)


def test_a_monitored_follower_has_no_other_node() -> None:
    rule = Monitoring(enabled=True, max_failures=1, action=FailureAction.MIGRATE)
    for name, event in (("db", e.Failed), ("web", e.Sent)):
        view = written(both(), spec(name, monitoring=rule))
        answer = monitoring.respond(view, view.states[name], view.specs[name].value, Failure(text="code 1"), NOW)
        assert isinstance(answer, event), answer


def test_the_first_that_is_anywhere_leads() -> None:
    assert leader(both(), "db") == "web"
    assert leader(both(web=None), "web") == "db"
    assert leader(both(web=None, db=None), "web") is None
    assert leader(cluster(spec(), record()), "web") == "web"
    comatose = written(both(), record(State.COMATOSE))
    assert leader(comatose, "web") == "db"
    asked = written(both(), record(State.ALERT, alert=AlertKind.FAILBACK, session="a1"))
    assert leader(asked, "db") == "web"


def test_where_something_is_going_counts() -> None:
    view = written(both(), moving(Phase.OUT, "a", "b"))
    assert told(written(view, record(State.OFFLINE, None, name="db")), "db", "b") is None
    back = written(both(), moving(Phase.ABORT, "a", "b"))
    assert told(back, "db", "a") is None


def test_groups_that_share_a_member_are_one() -> None:
    groups = [together("web", "db"), together("mail", "db"), together("x", "y"), apart("web", "x")]
    view = kept(spec(), record(), groups=tuple(groups))

    assert members(view, "mail") == ("web", "db", "mail")
    assert joined(groups[2:3], "y") == ("x", "y")
    assert members(view, "z") == ("z",)


def test_a_new_group_brings_its_members_together_where_the_first_one_is() -> None:
    view = settled(both("a", "b"))

    moved = view.states["db"].value
    assert (moved.state, moved.move and moved.move.target) == (State.MIGRATING, "a")
    assert Mark.MOVED_BY_MONITOR not in moved.marks


def test_following_rests_on_where_the_leader_runs() -> None:
    view = both("b", "a")
    verdict = recovery.judge(view, view.states["db"], view.specs["db"].value, NOW)

    assert verdict is not None
    assert {(guard.key.kind, guard.key.name) for guard in verdict.guards} == {("live", "b"), ("state", "web")}


def test_an_explanation_says_by_whom_it_goes() -> None:
    assert reason(Why.LED_BY, "web") in explain(both(), "db", NOW)[0].reasons
    assert reason(Why.LEADS, "db") in explain(both(), "web", NOW)[0].reasons
    assert not {Why.LED_BY, Why.LEADS} & {each.why for each in explain(both(db=None), "web", NOW)[0].reasons}
