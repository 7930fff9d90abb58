"""What ``cluster info`` tells: the original's pages of settings, each with what stands for it here.

Names of values are the original's where there is such a value. A value that has no equal any more is not left out: it
says what is there instead, so that nobody looks for it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from stanchion.cli.original import shapes
from stanchion.model.errors import InvalidInput
from stanchion.model.resource import ScriptKind

if TYPE_CHECKING:
    from stanchion.client import Client
    from stanchion.wire.replies import NodeInfo, ResourceDetail

Part = Callable[["Client", Sequence[str]], Awaitable[list[str]]]
"""A page: asked of the cluster, for these resources if any are named."""


async def told(client: "Client", section: str, names: Sequence[str]) -> list[str]:
    """Give the lines of one section, or of all. Raises ``InvalidInput`` for names where there are none to name."""
    if names and section != "resources":
        raise InvalidInput(f"`cluster info {section}` takes no names; `cluster info resources NAME` does")
    lines: list[str] = []
    for each in SECTIONS if section == "all" else (section,):
        title, part = SECTIONS[each]
        lines += ["", title] if lines else [title]
        lines += [f"    {line}" for line in await part(client, names)]
    return lines


async def _basic(client: "Client", _: Sequence[str]) -> list[str]:
    settings, cluster = await client.settings(), (await client.status()).cluster
    return [f"Cluster: {cluster.name}", f"Epoch: {cluster.epoch}", f"Master node: {cluster.master or 'none'}",
            "IP address: none; every node answers for the cluster",
            f"Quorum: {settings.quorum_nodes}", f"Quorum wait: {settings.quorum_timeout_s:g} seconds",
            f"Quorum reached: {'yes' if cluster.quorum else 'no'}"]


async def _notification(client: "Client", _: Sequence[str]) -> list[str]:
    mail = (await client.notification()).mail
    if mail is None:
        return ["Email: OFF"]
    return [f"Email: {mail.volume.upper()}", f"Addresses: {', '.join(mail.to)}", "Options: NONE"]


async def _priority(client: "Client", _: Sequence[str]) -> list[str]:
    told = (await client.priorities()).resources
    rows = [(one.resource, str(one.priority)) for one in told]
    return list(shapes.table(("Resource", "Priority"), rows))


async def _protocol(client: "Client", _: Sequence[str]) -> list[str]:
    timing = await client.timing()
    return [f"Profile: {timing.profile}", f"Heartbeat: {timing.beat_s:g} seconds",
            f"Tolerance: {timing.lease_s:g} seconds, suspected after {timing.suspect_s:g}",
            "Master watchdog, slave watchdog: the master is watched like every node",
            "Maximum retransmits: not used"]


async def _nodes(client: "Client", _: Sequence[str]) -> list[str]:
    return list(shapes.table(("Node", "State", "Address"), [(_named(node), node.state, node.url)
                                                            for node in (await client.nodes()).nodes]))


def _named(node: "NodeInfo") -> str:
    return f"{node.name} (master)" if node.master else node.name


async def _resources(client: "Client", names: Sequence[str]) -> list[str]:
    wanted = names or [one.name for one in (await client.resources()).resources]
    lines: list[str] = []
    for name in wanted:
        lines += _resource(await client.resource(name))
    return lines


def _resource(of: "ResourceDetail") -> Iterator[str]:
    policies, monitoring = of.policies, of.monitoring
    yield f"{of.name}"
    yield f"    Template: {of.template or 'none'}"
    yield f"    Start, failover, failback: {policies.start}, {policies.failover}, {policies.failback}"
    yield f"    Resource follows master: {_word(policies.follows_master)}"
    yield f"    Ignore quorum: {_word(policies.ignore_quorum)}"
    yield f"    Preferred nodes: {', '.join(of.preferred) or 'all'}"
    for kind in (ScriptKind.LOAD, ScriptKind.UNLOAD, ScriptKind.MONITOR):
        if kind in of.scripts:
            yield f"    {kind.title()} script timeout: {of.scripts[kind].timeout_s:g} seconds"
    if monitoring.enabled:
        yield (f"    Monitoring: every {monitoring.interval_s:g} seconds, {monitoring.action} at "
               f"{monitoring.max_failures} failures in {monitoring.window_s:g} seconds")
    else:
        yield "    Monitoring: off"


def _word(given: bool) -> str:  # noqa: FBT001 - yes or no is all that it says
    return "yes" if given else "no"


SECTIONS: Mapping[str, tuple[str, Part]] = {
    "basic": ("Basic", _basic),
    "notification": ("Notification", _notification),
    "priority": ("Resource Priority", _priority),
    "protocol": ("Protocol", _protocol),
    "nodes": ("Nodes", _nodes),
    "resources": ("Resources", _resources),
}
"""The parts of the configuration, in the order in which ``all`` tells them."""
