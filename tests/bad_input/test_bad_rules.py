"""Bad settings, groups, priorities and monitoring: each refused with one clear sentence, and nothing is changed."""

import asyncio
import io
from typing import Any

import pytest

from stanchion.cli import run
from stanchion.cli.session import Terminal
from surface import World

BAD = [
    ("no nodes for quorum", "PATCH", "settings", {"quorum_nodes": 0}, 422, "quorum_nodes is 0; it must be 1 to 3"),
    ("more nodes for quorum than there are", "PATCH", "settings", {"quorum_nodes": 4}, 422, "the number of nodes"),
    ("a quorum of half a node", "PATCH", "settings", {"quorum_nodes": 1.5}, 422, "`quorum_nodes` should be a valid"),
    ("a timeout below nothing", "PATCH", "settings", {"quorum_timeout_s": -1}, 422, "it must be 0 to 86400"),
    ("a timeout beyond a day", "PATCH", "settings", {"quorum_timeout_s": 1e9}, 422, "it must be 0 to 86400"),
    ("a timeout of words", "PATCH", "settings", {"quorum_timeout_s": "long"}, 422, "should be a valid number"),
    ("no history", "PATCH", "settings", {"history_kept": 0}, 422, "history_kept is 0; it must be 100 to 1000000"),
    ("an unknown profile", "PATCH", "settings", {"profile": "turbo"}, 422, "`profile` must be 'fast', 'default' or"),
    ("another name for the cluster", "PATCH", "settings", {"cluster": "x"}, 422, "there is no field `cluster` here"),
    ("two faults at once", "PATCH", "settings", {"quorum_nodes": 9, "history_kept": 1}, 422, ", and history_kept is 1"),
    ("a group of one", "PUT", "groups/ha", {"bond": "apart", "members": ["web"]}, 422, "needs two members at least"),
    ("a group of none", "PUT", "groups/ha", {"bond": "apart", "members": []}, 422, "needs two members at least"),
    ("a stranger in a group", "PUT", "groups/ha", {"bond": "apart", "members": ["web", "gone"]}, 422,
     "there is no resource gone, which the group ha names"),
    ("one member twice", "PUT", "groups/ha", {"bond": "apart", "members": ["web", "WEB"]}, 422, "names web twice"),
    ("an unknown bond", "PUT", "groups/ha", {"bond": "near", "members": ["web", "db"]}, 422,
     "`bond` must be 'apart' or 'together', not 'near'"),
    ("a group without a bond", "PUT", "groups/ha", {"members": ["web", "db"]}, 422, "the field `bond` is missing"),
    ("a group's name with a blank", "PUT", "groups/no%20way", {"bond": "apart", "members": ["web", "db"]}, 422,
     "the group's name 'no way' is not possible"),
    ("together what is apart", "PUT", "groups/near", {"bond": "together", "members": ["web", "db"]}, 422,
     "cannot be kept apart (group far) and together (group near)"),
    ("apart on one node", "PUT", "groups/ha", {"bond": "apart", "members": ["only1", "also1"]}, 422,
     "keeps only1 and also1 apart, but their preferred nodes are only node1"),
    ("together on no node", "PUT", "groups/near", {"bond": "together", "members": ["only1", "only2"]}, 422,
     "no node is among the preferred nodes of all of them"),
    ("the last node for two taken away", "PATCH", "resources/db", {"preferred": ["node1"]}, 422,
     "keeps web and db apart, but their preferred nodes are only node1"),
    ("an unknown group deleted", "DELETE", "groups/gone", None, 404, "there is no group gone"),
    ("a member deleted", "DELETE", "resources/idle", None, 409, "idle is a member of the group set"),
    ("an order with a stranger", "PUT", "priorities", {"resources": ["web", "gone"]}, 404, "there is no resource gone"),
    ("an order that repeats", "PUT", "priorities", {"resources": ["web", "WEB"]}, 422, "web is named twice"),
    ("an order that is no list", "PUT", "priorities", {"resources": "web"}, 422, "`resources` should be a valid"),
    ("a revision of words", "PUT", "priorities", {"resources": ["web"]}, 422, "If-Match must name a revision"),
    ("an unknown policy for failed loads", "PATCH", "resources/idle", {"policies": {"load_failure": "panic"}}, 422,
     "`policies.load_failure` must be 'comatose' or 'next_node', not 'panic'"),
    ("an unknown policy for another try", "PATCH", "resources/idle", {"policies": {"retry_comatose": "always"}}, 422,
     "`policies.retry_comatose` must be 'never' or 'backoff'"),
    ("an interval of nothing", "PATCH", "resources/idle", {"monitoring": {"interval_s": 0}}, 422,
     "the polling interval is 0 s"),
    ("no failures at all", "PATCH", "resources/idle", {"monitoring": {"max_failures": 0}}, 422,
     "the maximum of local failures is 0; it must be 1 to 1000"),
    ("a window beyond a day", "PATCH", "resources/idle", {"monitoring": {"window_s": 86401}}, 422,
     "the time interval for local failures is 86401 s"),
    ("an unknown action", "PATCH", "resources/idle", {"monitoring": {"action": "shout"}}, 422,
     "`monitoring.action` must be 'comatose', 'migrate' or 'reboot'"),
]


async def _cluster() -> World:
    world = World()
    for name, nodes in (("web", ("node1",)), ("db", ()), ("idle", ()), ("only1", ("node1",)), ("also1", ("node1",)),
                        ("only2", ("node2",))):
        await world.resource(name, preferred=nodes)
    async with world.http() as http:
        for name, members in (("far", ["web", "db"]), ("set", ["idle", "only2"])):
            answer = await http.put(f"/v1/groups/{name}", json={"bond": "apart", "members": members})
            assert answer.status_code == 200, answer.text
    return world


@pytest.mark.parametrize(("method", "path", "body", "status", "says"), [case[1:] for case in BAD],
                         ids=[case[0] for case in BAD])
async def test_bad_rules_are_refused_in_one_sentence(method: str, path: str, body: Any, status: int,
                                                     says: str) -> None:
    world = await _cluster()
    before = world.view().revision
    headers = {"If-Match": "soon"} if "If-Match" in says else {}
    async with world.http() as http:
        answer = await http.request(method, f"/v1/{path}", json=body, headers=headers)

    told = answer.json()
    assert answer.status_code == status, told
    assert says in f"{told['detail']}; {told['do']}", told
    assert "\n" not in told["detail"]
    assert world.view().revision == before


LINES = [
    ("settings edit", 2, "nothing to change was given"), ("settings edit --quorum-timeout soon", 2, "not a duration"),
    ("settings edit --quorum-nodes many", 2, "many"), ("settings edit --revision 1 --history 500", 5, "were saved by"),
    ("group create far apart web idle", 5, "there is a group far already; change it with `stanchion group edit far`"),
    ("group create ha apart", 2, "needs two members at least"), ("group create ha near web db", 2, "near"),
    ("group edit far", 2, "nothing to change was given"), ("group edit gone --add web", 4, "there is no group gone"),
    ("group edit far --remove idle", 4, "idle is no member of the group far; it has: web, db"),
    ("group edit far --remove db", 2, "needs two members at least"), ("group delete gone", 4, "there is no group gone"),
    ("priority set", 2, "name the resources that are to load first"),
    ("priority set web --reset", 2, "name the resources that are to load first"),
    ("priority set gone", 4, "there is no resource gone"),
    ("resource edit web --interval now", 2, "'now' is not a duration; write seconds, or add a unit: 90, 90s, 10m, 1h"),
    ("resource edit web --interval=-5s", 2, "the polling interval is -5 s"),
    ("resource edit web --load-failure maybe", 2, "maybe"),
]


@pytest.mark.parametrize(("line", "code", "says"), LINES, ids=[line[0] for line in LINES])
def test_bad_commands_about_rules_are_refused_in_one_sentence(line: str, code: int, says: str) -> None:
    world = asyncio.run(_cluster())
    out, err = io.StringIO(), io.StringIO()

    ended = run(line.split(), terminal=Terminal(out=out, err=err, client=lambda _: world.client()))

    assert (ended, out.getvalue()) == (code, ""), err.getvalue()
    assert says in err.getvalue()
    assert len(err.getvalue().splitlines()) == 1
