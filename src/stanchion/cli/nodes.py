"""``stanchion node``: who is in the cluster, and bringing nodes in and out."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from stanchion.cli.changes import seconds
from stanchion.cli.completing import ANode
from stanchion.cli.orders import finish
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, StanchionError

app = App(name="node", help="List nodes, and bring them in and out of the cluster.")


@app.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List the nodes: who is up, who is the master, and what protects each."""
    async with common.session() as session:
        from stanchion.cli import show
        from stanchion.wire.replies import NodeList

        status = await session.client.status()
        session.tell(NodeList(nodes=status.nodes), lambda told: show.nodes(told.nodes, status.cluster))


@app.command
async def show(node: ANode, /, *, common: Common = COMMON) -> None:
    """Look at one node.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.node(node), show.node)


@app.command
async def fence(node: ANode, /, *words: str, agent: str | None = None,
                within: Annotated[str, Parameter(name="--timeout")] = "20s",
                remove: Annotated[bool, Parameter(negative="")] = False, common: Common = COMMON) -> None:
    """Give a node one more fence device, tried after those that it has; or take devices away.

    Parameters
    ----------
    node
        Name of the node, in any case.
    words
        The agent's parameters as NAME=VALUE, like ip=10.0.0.7 username=fence password=... plug=3.
    agent
        Name of the fence agent, like fence_ipmilan; `stanchion fence agents` lists them.
    within
        How long the device may take to switch the host off: 20, 20s, 1m.
    remove
        Take the devices of that agent away; without an agent, all of them.
    """
    from stanchion.wire.requests import FenceDeviceChange, NodeChange

    if remove and words:
        raise InvalidInput("--remove takes the devices of an agent away as a whole; leave the parameters out")
    if not remove and agent is None:
        raise InvalidInput("name the device's agent, like --agent fence_ipmilan; `stanchion fence agents` lists them")
    async with common.session() as session:
        from stanchion.cli import show

        found = await session.client.node(node)
        devices = [FenceDeviceChange(**device.model_dump()) for device in found.fence]
        if not remove:
            devices.append(FenceDeviceChange(agent=str(agent), parameters=_parameters(words),
                                             timeout_s=seconds(within)))
        else:
            kept = [device for device in devices if agent is not None and device.agent != agent]
            if len(kept) == len(devices):
                raise InvalidInput(f"{found.name} has no such fence device; `stanchion node show {found.name}` shows "
                                   "what it has")
            devices = kept
        saved = await session.client.edit_node(found.name, NodeChange(fence=tuple(devices)), seen=found.revision)
        session.tell(saved, show.node)
        if not remove:
            await _missing(session, str(agent))
            session.say(f"Try it: stanchion fence test {saved.name}")


@app.command(name="set")
async def set_(node: ANode, /, *, memory_mib: int | None = None, cpus: float | None = None,
               reserve_mib: int | None = None, reserve_cpus: float | None = None, revision: int | None = None,
               common: Common = COMMON) -> None:
    """Say what a host has for machines, where that should not be measured; what is left out stays.

    Parameters
    ----------
    node
        Name of the node, in any case.
    memory_mib
        Its memory in MiB; 0: as measured.
    cpus
        Its processors; 0: as measured.
    reserve_mib
        Memory in MiB that is kept for the host itself; 0: a sixteenth, and 256 MiB at least.
    reserve_cpus
        Processors that are kept for the host itself.
    revision
        Refuse to save when the node is not at this revision any more.
    """
    from stanchion.wire.requests import NodeChange

    said = {"capacity": {"memory_mib": memory_mib, "cpus": cpus},
            "reserve": {"memory_mib": reserve_mib, "cpus": reserve_cpus}}
    if all(value is None for size in said.values() for value in size.values()):
        raise InvalidInput("nothing to change was given; `stanchion node set --help` lists the options")
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.edit_node(node, NodeChange.model_validate(said), seen=revision), show.node)


async def _missing(session: Session, agent: str) -> None:
    """Warn where the answering node has no such fence agent: any member may be the one that has to fence."""
    known = await session.client.fence_agents()
    if agent not in {each.name for each in known.agents}:
        session.terminal.complain(f"stanchion: warning: {agent} is not installed on {known.node}; install fence-agents "
                                  "on every node, else this one can be switched off only by those that have it")


def _parameters(words: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=VALUE words. The value of a word that is none is not repeated: it may be a password."""
    given = dict(word.partition("=")[::2] for word in words)
    if any("=" not in word for word in words):
        raise InvalidInput("a parameter is written NAME=VALUE, like ip=10.0.0.7")
    if len(given) < len(words):
        raise InvalidInput("a parameter is given twice; each can be given once")
    return given


@app.command
async def leave(node: ANode, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Ask a node to hand its resources over and leave the cluster.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until it has left.
    """
    await _order(node, "leave", wait=wait, common=common)


@app.command
async def join(node: ANode, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Ask a node that left to join again.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until it has joined.
    """
    await _order(node, "join", wait=wait, common=common)


@app.command
async def confirm_down(node: ANode, /, *, yes: Annotated[bool, Parameter(negative="")] = False, wait: bool = True,
                       common: Common = COMMON) -> None:
    """State that a lost node runs nothing any more, so that its resources may start elsewhere.

    Only do this when you have seen that the host is off. If it still runs, its machines will run twice.

    Parameters
    ----------
    node
        Name of the node, in any case.
    yes
        Do not ask.
    wait
        Wait until the order has ended.
    """
    if not yes:
        async with common.session() as session:
            found = await session.client.node(node)
            answer = session.terminal.ask(
                f"If {found.name} still runs, its machines will run twice. Type its name to state that it is off: ")
            if answer is None:
                raise InvalidInput("nobody can be asked here; add --yes to state it without a question")
            if answer != found.name:
                raise StanchionError("nothing was stated")
    await _order(node, "confirm-down", wait=wait, common=common)


@app.command
async def release(node: ANode, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Release a node from quarantine: it may hold machines again, and what happened so far is forgiven.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until the order has ended.
    """
    await _order(node, "release", wait=wait, common=common)


@app.command
async def remove(node: ANode, /, *, common: Common = COMMON) -> None:
    """Forget a node that has left and that no resource prefers.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    async with common.session() as session:
        await session.client.remove_node(node)
        session.say(f"{node} was removed")


async def _order(node: str, what: Literal["leave", "join", "confirm-down", "release"], *, wait: bool,
                 common: Common) -> None:
    async with common.session() as session:
        await finish(session, await session.client.order_node(node, what), wait=wait)
