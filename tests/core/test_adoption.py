"""Adopting what runs: the node's session is named from the first moment, so only a proof about it frees the machine."""

from core.clusters import NOW, cluster, lost, order, place, proven, record, settled, spec, web
from core.dialogue import ABSENT, RUNNING, UNKNOWN, ask, does, saw, told
from stanchion.model import events as e
from stanchion.model.actions import Step
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.state import Presence, State
from stanchion.plan.recovery import judge

ADOPTING = record(State.LOADING, "b", reason=reason(Why.ADOPT_ASKED, "root", "b"), spec_revision=7)


def test_the_order_names_the_session_and_binds_the_configuration() -> None:
    view = cluster(spec(), record(State.OFFLINE, None), order(Verb.ADOPT, "web", "b"))
    after = web(view)
    assert place(after) == (State.LOADING, "b")
    assert (after.session, after.spec_revision) == ("b1", view.specs["web"].revision)


def test_the_node_looks_first_and_only_looks() -> None:
    """Even where only a script can tell whether it runs."""
    for of in (spec(), spec(visible=False)):
        assert does(ask(ADOPTING, of=of, me="b")) is Step.LOOK
        assert told(ask(ADOPTING, saw(Step.LOOK, RUNNING), of=of, me="b")) == (e.Loaded, Why.ADOPTED)


def test_what_is_not_seen_is_not_adopted_and_not_loaded() -> None:
    presences: tuple[Presence, ...] = (ABSENT, UNKNOWN)
    for presence in presences:
        assert told(ask(ADOPTING, saw(Step.LOOK, presence), me="b")) == (e.NotThere, Why.NOT_THERE)


def test_a_node_that_is_lost_while_it_adopts_must_be_proven_gone_first() -> None:
    view = settled(cluster(spec(), ADOPTING))
    gone = lost(view, "b")
    assert judge(gone, gone.states["web"], gone.specs["web"].value, NOW) is None
    assert place(web(lost(view, "b", proven("b")))) == (State.LOADING, "a")
