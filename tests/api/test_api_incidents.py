"""Incidents over the API: all that a drawn bar needs, whether it is over, the newest first, and no more than wanted."""

from datetime import UTC, datetime

from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NodeName, OperationId, ResourceName
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from surface import NOW_S, World


def lost(node: str, session: str, at_s: float, *, proof_s: float | None = 0.5) -> list[Entry]:
    """Tell that a node was lost, and, if it is, that it was proven to have stopped."""
    told = [Entry(at_s=at_s, reason=reason(Why.NODE_LOST, node, "8"), severity=Severity.CRITICAL, node=NodeName(node),
                  cause=session)]
    if proof_s is not None:
        told.append(Entry(at_s=at_s + proof_s, reason=reason(Why.PROOF_EXPIRED, node), node=NodeName(node),
                          cause=session))
    return told


def sent(resource: str, session: str, at_s: float, *, load_s: float | None) -> list[Entry]:
    """Tell that a resource was sent elsewhere, and, if it has, that it arrived there."""
    name, node, operation = ResourceName(resource), NodeName("node2"), OperationId(f"{resource}@9")
    told = [Entry(at_s=at_s, reason=reason(Why.FAILOVER, "node1", "x"), node=node, resource=name, before=State.RUNNING,
                  after=State.LOADING, cause=session, operation=operation)]
    if load_s is not None:
        told.append(Entry(at_s=at_s + load_s, reason=reason(Why.LOADED), node=node, resource=name,
                          before=State.LOADING, after=State.RUNNING, cause=operation, operation=operation))
    return told


async def lived(*entries: Entry) -> World:
    """Make a world with this history."""
    world = World()
    for entry in sorted(entries, key=lambda entry: entry.at_s):
        await world.put(history=(entry,))
    return world


def seconds(at: datetime | None) -> float | None:
    """Say an instant in seconds after now."""
    return None if at is None else round((at - datetime.fromtimestamp(NOW_S, UTC)).total_seconds(), 3)


async def test_an_incident_tells_its_phases_with_their_instants() -> None:
    world = await lived(*lost("node1", "s1", NOW_S), *sent("web", "s1", NOW_S + 0.7, load_s=4.0),
                        *sent("db", "s1", NOW_S + 0.9, load_s=6.0))
    async with world.client() as client:
        (one,) = (await client.incidents()).incidents

    assert (one.id, one.over, one.total_s) == ("s1", True, 14.9)
    assert [seconds(at) for at in (one.began_at, one.at, one.proven_at, one.ended_at)] == [-8.0, 0.0, 0.5, 6.9]
    assert [(phase.name, seconds(phase.at), seconds(phase.until), phase.seconds) for phase in one.phases] == [
        ("detect", -8.0, 0.0, 8.0), ("prove", 0.0, 0.5, 0.5), ("decide", 0.5, 0.7, 0.2), ("load", 0.7, 6.9, 6.2)]
    web = one.recoveries[0]
    assert [(phase.name, phase.seconds) for phase in web.phases] == [
        ("detect", 8.0), ("prove", 0.5), ("decide", 0.2), ("load", 4.0)]
    assert (web.over, seconds(web.ended_at)) == (True, 4.7)


async def test_what_goes_on_has_no_end_yet() -> None:
    world = await lived(*lost("node1", "s1", NOW_S), *sent("web", "s1", NOW_S + 1, load_s=None))
    async with world.client() as client:
        (one,) = (await client.incidents()).incidents

    assert (one.over, one.ended_at, one.total_s) == (False, None, None)
    assert (one.phases[-1].name, one.phases[-1].until, one.phases[-1].seconds) == ("load", None, None)
    assert not one.recoveries[0].over


async def test_without_a_proof_it_is_not_over_until_the_node_returns() -> None:
    entries = lost("node1", "s1", NOW_S, proof_s=None)
    joined = Entry(at_s=NOW_S + 60, reason=reason(Why.NODE_JOINED, "node1"), node=NodeName("node1"), cause="s2")
    async with (await lived(*entries)).client() as client:
        (open_,) = (await client.incidents()).incidents
    async with (await lived(*entries, joined)).client() as client:
        (back,) = (await client.incidents()).incidents

    assert (open_.over, [phase.name for phase in open_.phases]) == (False, ["detect", "prove"])
    assert (back.over, seconds(back.returned_at), back.total_s) == (True, 60.0, 68.0)


async def test_a_node_that_held_nothing_is_over_with_the_proof() -> None:
    async with (await lived(*lost("node1", "s1", NOW_S))).client() as client:
        (one,) = (await client.incidents()).incidents

    assert (one.over, one.total_s, [phase.name for phase in one.phases]) == (True, 8.5, ["detect", "prove"])


async def test_the_newest_come_first_and_no_more_than_are_wanted() -> None:
    world = await lived(*lost("node1", "s1", NOW_S), *lost("node2", "s2", NOW_S + 100),
                        *lost("node1", "s3", NOW_S + 200))
    async with world.client() as client:
        assert [one.id for one in (await client.incidents()).incidents] == ["s3", "s2", "s1"]
        assert [one.id for one in (await client.incidents(limit=2)).incidents] == ["s3", "s2"]
    async with world.http() as http:
        assert (await http.get("/v1/incidents", params={"limit": 0})).status_code == 422
