"""Pictures: what is drawn stands in proportion, inside the drawing, and says what it is."""

from itertools import pairwise

from stanchion.model.state import Phase, State
from stanchion.web.pictures import cluster_map as maps
from stanchion.web.pictures.shares import Share, bars, cut
from stanchion.web.pictures.timeline import MOST, timeline
from stanchion.wire.replies import MoveInfo, NodeInfo, ReasonInfo, ResourceInfo
from stanchion.wire.stories import IncidentInfo, RecoveryInfo

WHY = ReasonInfo(code="loaded", text="the load script ended well")


def node(name: str, *held: str, state: str = "up", **more: object) -> NodeInfo:
    return NodeInfo(name=name, state=state, master=name == "a", self_fence="none", resources=held, **more)


def machine(name: str, place: str | None = None, state: State = State.RUNNING, **more: object) -> ResourceInfo:
    return ResourceInfo(name=name, template="Generic_FS", state=state, node=place, reason=WHY, **more)


def recovery(name: str, decide_s: float, load_s: float | None, total_s: float | None) -> RecoveryInfo:
    state = State.LOADING if load_s is None else State.RUNNING
    return RecoveryInfo(resource=name, node="b", state=state, reason=WHY, event="1", decide_s=decide_s, load_s=load_s,
                        total_s=total_s)


def incident(*recoveries: RecoveryInfo) -> IncidentInfo:
    return IncidentInfo(node="a", at=None, event="1", detect_s=3.0, prove_s=7.0, recoveries=recoveries)


def test_a_bar_is_as_long_as_its_numbers_and_the_longest_fits() -> None:
    drawn = bars([("a", [Share(6, "run", "good"), Share(2, "failed", "bad")]), ("b", [Share(4, "run", "good")]),
                  ("c", [])])
    first, second, third = drawn.rows
    assert first.pieces[0].width == 3 * first.pieces[1].width
    assert second.pieces[0].width * 2 == first.pieces[0].width + first.pieces[1].width
    assert first.pieces[1].x == first.pieces[0].x + first.pieces[0].width
    assert first.number_x < drawn.width
    assert (first.said, second.said, third.said) == ("6 run, 2 failed", "4 run", "nothing")
    assert first.pieces[1].title == "a: 2 failed"
    assert third.pieces == ()


def test_no_share_at_all_is_drawn_without_a_fault() -> None:
    assert bars([]).rows == ()
    assert bars([("a", [Share(0, "run", "good")])]).rows[0].pieces == ()


def test_a_name_that_is_too_long_shows_that_it_is_cut() -> None:
    assert cut("web", 5) == "web"
    assert cut("webserver", 5) == "webs…"


def test_the_phases_of_a_failover_follow_each_other_to_scale() -> None:
    drawn = timeline(incident(recovery("web", 1.0, 9.0, 20.0), recovery("db", 2.0, 4.0, 16.0)))
    web, db = drawn.bars
    assert [part.phase for part in web.parts] == ["detect", "prove", "decide", "load"]
    assert all(abs(early.x + early.width - late.x) < 0.2 for early, late in pairwise(web.parts))
    assert abs(web.parts[3].width - 9 * web.parts[2].width) < 0.5
    assert web.parts[0].x == db.parts[0].x, "all begin with the last sign of life"
    assert (web.end, db.end) == ("20.0 s", "16.0 s")
    assert web.parts[1].title == "web: prove 7.0 s"
    assert [tick.text for tick in drawn.ticks][:3] == ["0 s", "5 s", "10 s"]
    assert max(part.x + part.width for part in web.parts) <= drawn.width


def test_who_is_still_loading_is_drawn_first_and_says_so() -> None:
    drawn = timeline(incident(recovery("web", 1.0, 9.0, 20.0), recovery("db", 2.0, None, None)))
    assert [bar.name for bar in drawn.bars] == ["db", "web"]
    assert drawn.bars[0].end == "Loading"


def test_of_very_many_only_the_slowest_are_drawn_and_the_rest_is_counted() -> None:
    many = [recovery(f"vm{number:03d}", 0.1, float(number), 10.0 + number) for number in range(100)]
    drawn = timeline(incident(*many))
    assert len(drawn.bars) == MOST
    assert drawn.bars[0].name == "vm099"
    assert drawn.left_out == 100 - MOST


def test_an_incident_without_any_times_is_an_empty_drawing() -> None:
    drawn = timeline(IncidentInfo(node="a", at=None, event="1"))
    assert (drawn.bars, drawn.ticks) == ((), ())


def test_few_machines_are_drawn_by_name_in_their_nodes() -> None:
    drawn = maps.cluster_map([node("a", "web", "db"), node("b")],
                             [machine("web", "a"), machine("db", "a", State.COMATOSE)])
    a, b = drawn.boxes
    assert drawn.named
    assert [(mark.name, mark.tone) for mark in a.marks] == [("web", "good"), ("db", "bad")]
    assert a.title == "a: up, 2 machines, the master"
    assert a.label.endswith("★")
    assert b.marks == ()
    assert a.x + a.width < b.x
    assert b.x + b.width <= drawn.width + 0.1
    for mark in a.marks:
        assert a.x < mark.x
        assert mark.x + mark.width < a.x + a.width
        assert mark.y + mark.height < a.y + a.height


def test_many_machines_are_squares_inside_their_boxes() -> None:
    names = [f"host{number}" for number in range(16)]
    machines = [machine(f"vm{number}", names[number % 16]) for number in range(1000)]
    nodes = [node(name, *(of.name for of in machines if of.node == name)) for name in names]
    drawn = maps.cluster_map(nodes, machines)
    assert not drawn.named
    assert sum(len(box.marks) for box in drawn.boxes) == 1000
    for box in drawn.boxes:
        assert max(mark.x + mark.width for mark in box.marks) <= box.x + box.width
        assert max(mark.y + mark.height for mark in box.marks) <= box.y + box.height
        assert box.y + box.height <= drawn.height
    places = {(mark.x, mark.y) for box in drawn.boxes for mark in box.marks}
    assert len(places) == 1000, "no two stand on each other"


def test_a_lost_node_is_crossed_out_and_a_marked_one_has_its_colour() -> None:
    drained = {"emptying": {"because": "drain", "text": "being drained"}}
    drawn = maps.cluster_map([node("a"), node("b", state="down"), node("c", **drained)], [])
    assert [(box.lost, box.tone) for box in drawn.boxes] == [(False, "line"), (True, "bad"), (False, "warning")]


def test_what_is_on_no_node_has_a_box_of_its_own_unless_it_is_offline() -> None:
    drawn = maps.cluster_map([node("a")], [machine("web", None, State.UNASSIGNED), machine("db", None, State.OFFLINE)])
    assert [box.label for box in drawn.boxes] == ["a ★", "on no node"]
    assert [mark.title for mark in drawn.boxes[1].marks] == ["web: Unassigned"]


def test_moves_are_arrows_one_for_each_way() -> None:
    move = MoveInfo(target="b", live=True, phase=Phase.OUT)
    both = [machine(name, "a", State.MIGRATING, move=move) for name in ("web", "db")]
    back = machine("mail", "b", State.MIGRATING, move=MoveInfo(target="a", live=True, phase=Phase.OUT))
    drawn = maps.cluster_map([node("a", "web", "db", "mail"), node("b", "web", "db", "mail")], [*both, back])
    assert [arrow.title for arrow in drawn.arrows] == ["web, db: from a to b", "mail: from b to a"]
    assert drawn.arrows[0].path != drawn.arrows[1].path
    assert len(drawn.boxes[0].marks) + len(drawn.boxes[1].marks) == 3, "who moves is drawn once, where it comes from"
