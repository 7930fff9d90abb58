"""One node: how it stands, what proves or protects it, what it holds, and the orders that it can be given now.

Whatever moves or stops machines is asked about first, with what would happen by the cluster's own judgement. That a
silent host is down is somebody's word in place of a proof, so its name has to be typed.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import clusters, what_if
from stanchion.api import nodes as api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.access import Role
from stanchion.model.errors import StanchionError
from stanchion.model.ids import ResourceName
from stanchion.model.resource import FailoverMode
from stanchion.model.standing import Shutdown
from stanchion.model.state import State
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.needs import node_page, unproven
from stanchion.web.nodes import StrayRow
from stanchion.wire.capacity import SizeInfo
from stanchion.wire.replies import IntentInfo, NodeInfo

router = APIRouter()

Carry = Callable[[Services, str, str], Awaitable[IntentInfo | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to a node: the last part of its path, who may give it, and what it does, in a sentence.

    ``ask``: it is asked about with this before it is carried out; empty: it is not. ``{}`` is the node's name.
    """

    verb: str
    title: str
    role: Role
    does: str
    carry: Carry
    done: str
    ask: str = ""

    @property
    def asked(self) -> bool:
        """Whether it is asked about."""
        return bool(self.ask)


ORDERS = (
    Order(verb="drain", title="Drain", role=Role.OPERATOR, carry=api.drain, ask="Drain {}",
          does="Empties it, live where the scripts can. It stays a member, and is given nothing until the drain ends.",
          done="{} is being drained; how far it is stands here"),
    Order(verb="undrain", title="End the drain", role=Role.OPERATOR, carry=api.undrain,
          does="It may hold resources again.", done="{} may hold resources again"),
    Order(verb="hand-over", title="Hand over", role=Role.OPERATOR, carry=api.hand_over,
          ask="Hand over what {} holds",
          does="For a host that is about to shut down: what it holds goes by the cluster's policy, and the node leaves "
               "until its host is started anew.", done="{} hands over what it holds"),
    Order(verb="leave", title="Leave", role=Role.ADMINISTRATOR, carry=api.leave, ask="Let {} leave",
          does="It hands its resources over and leaves the cluster, until it is asked to join.",
          done="{} is leaving"),
    Order(verb="join", title="Join", role=Role.ADMINISTRATOR, carry=api.join,
          does="It joins again, and may hold resources.", done="{} joins as soon as its agent answers"),
    Order(verb="release", title="Release from quarantine", role=Role.ADMINISTRATOR, carry=api.release,
          does="It may hold resources again, and what happened so far is forgiven.", done="{} is released"),
    Order(verb="confirm-down", title="Confirm that it is down", role=Role.ADMINISTRATOR, carry=api.confirm_down,
          ask="Confirm that {} is down", does="You have seen that the host is off: what it held may start elsewhere.",
          done="{} is confirmed to be down"),
    Order(verb="remove", title="Remove", role=Role.ADMINISTRATOR, carry=api.remove, ask="Remove {}",
          does="The cluster forgets it, and accepts its certificate no more.", done="{} is removed"),
)


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the node that the path names."""
    del who
    node = await api.show(here, request.path_params["name"], Response())
    resources = clusters.status_of(here).resources
    held = set(node.resources)
    return {
        "has": SizeInfo(memory_mib=node.capacity.memory_mib or node.measured.memory_mib,
                        cpus=node.capacity.cpus or node.measured.cpus),
        "node": node, "unproven": unproven(node), "orders": tuple(possible(node)),
        "held": tuple(of for of in resources if of.name in held),
        "astray": tuple(StrayRow(of.name, seen.node, seen.since, seen.text, seen.machine)
                        for of in resources for seen in of.strays if seen.node == node.name),
    }


page = screen.show(router, "/nodes/{name}", "node.html", look)


def possible(node: NodeInfo) -> Iterator[Order]:
    """Give the orders that make sense for the node as it stands; whether they can be taken is the API's to say."""
    live = node.state in {"up", "joining", "leaving"}
    drained = node.emptying is not None and node.emptying.because == "drain"
    emptied = node.emptying is not None
    fits = {
        "drain": live and not emptied and not node.witness, "undrain": drained,
        "hand-over": live and not emptied, "leave": live and (not emptied or drained),
        "join": node.state in {"left", "leaving"}, "release": node.quarantine is not None,
        "confirm-down": unproven(node), "remove": not live and not unproven(node),
    }
    return (order for order in ORDERS if fits[order.verb])


def _route(order: Order) -> None:
    @router.post(f"/nodes/{{name}}/{order.verb}", name=f"node {order.verb}")
    async def take(here: Here, request: Request, name: str) -> Response:
        return await _taken(here, request, order, name)

    take.__doc__ = f"{order.title}."


for _order in ORDERS:
    _route(_order)


async def _taken(here: Services, request: Request, order: Order, name: str) -> Response:
    """Carry an order out, after it was asked about where that is needed."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    node = await api.show(here, name, Response())
    back = node_page(node.name)
    typed = node.name if order.verb == "confirm-down" else ""
    if order.asked and not confirm.given(entered, typed):
        happens = await consequences(here, who.name, node, order.verb)
        asked = order.ask.format(node.name)
        return await confirm.ask(here, request, entered, title=f"{asked}?", happens=happens, button=asked, back=back,
                                 typed=typed)
    try:
        await order.carry(here, who.name, node.name)
    except StanchionError as problem:
        return forms.refused(back, problem)
    to = "/console/nodes" if order.verb == "remove" else back
    return forms.done(to, f"{order.done.format(node.name)}.")


async def consequences(here: Services, by: str, node: NodeInfo, verb: str) -> list[str]:
    """Say what an order would do to what runs."""
    match verb:
        case "drain":
            told = await what_if.drain(here, by, node.name)
            return [*told.sentences, "Nothing that runs is stopped because it cannot go."]
        case "hand-over":
            return [*_handed_over(here, node), *_succession(node)]
        case "leave":
            return [f"What it holds ({_names(node)}) goes to other nodes, live where the scripts can.",
                    "What no other node can take is unloaded, and waits for one.", *_succession(node)]
        case "confirm-down":
            return list(_confirmed(here, node))
        case _:
            return list(_removed(node))


def _confirmed(here: Services, node: NodeInfo) -> Iterator[str]:
    yield f"You state that the host of {node.name} is off and runs nothing. Nothing else proves it."
    if not node.resources:
        yield "It held nothing, so nothing starts elsewhere because of that."
        return
    yield (f"If it still runs, {_names(node)} will run twice, on two hosts at once, and what they "
           "write to a shared disk destroys each other's.")
    for name in node.resources:
        yield _after_loss(here, ResourceName(name))


def _after_loss(here: Services, name: ResourceName) -> str:
    """Say what becomes of a resource when its node is known to run nothing."""
    state, spec = here.view().states.get(name), here.view().specs.get(name)
    if state is not None and state.value.state is State.COMATOSE:
        return f"{name} stays comatose, and can be taken offline."
    if state is not None and state.value.state is State.UNLOADING:
        return f"{name} counts as unloaded."
    if spec is not None and spec.value.policies.failover is FailoverMode.MANUAL:
        return f"{name} asks in an alert whether to start elsewhere: its failover mode is MANUAL."
    return f"{name} is started on the first of its nodes that can hold it."


def _handed_over(here: Services, node: NodeInfo) -> Iterator[str]:
    settings = here.view().settings
    match settings.value.shutdown if settings else Shutdown.MIGRATE:
        case Shutdown.FREEZE:
            yield f"What it holds ({_names(node)}) is unloaded, and loads on {node.name} again when its host is back."
        case Shutdown.FAILOVER:
            yield f"What it holds ({_names(node)}) is unloaded and loaded on other nodes: that interrupts it."
        case _:
            yield f"What it holds ({_names(node)}) goes to other nodes, live where the scripts can."
            yield "What no other node can take is unloaded, and waits for one."
    yield f"{node.name} leaves the cluster until its host is started anew."


def _removed(node: NodeInfo) -> Iterator[str]:
    yield f"The cluster forgets {node.name}, with its fence devices."
    yield "Its certificate is accepted no more: to come back, the host joins as a new one, with a join token."
    if node.etcd:
        yield f"Its member of etcd ({node.etcd}) is taken out, so one voter less keeps the store."


def _succession(node: NodeInfo) -> list[str]:
    return [f"{node.name} is the master: another member takes over."] if node.master else []


def _names(node: NodeInfo) -> str:
    return ", ".join(node.resources) or "nothing"
