"""A resource is configured by the command line, then played by agents on pretend hosts.

So a requirement is followed from what the operator types to what the machine does. The scripts are those of the
template; on a pretend host each has the effect that its kind has.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from agent.worlds import play
from cli.shell import Shell
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.ports import ScriptOrder
from stanchion.sim.host import Fault
from stanchion.sim.world import World

NODES = ("node1", "node2", "node3")


def watched(action: str = "comatose", failures: int = 3, timeout: str = "20s") -> tuple[str, ...]:
    """Give the options that switch monitoring on: every 10 s, failures counted within 10 minutes."""
    return ("--monitoring", "--interval", "10s", "--max-failures", str(failures), "--window", "10m", "--action", action,
            "--monitor-timeout", timeout)


def spec_of(shell: Shell, name: str) -> ResourceSpec:
    """Give the configuration as it was saved."""
    return shell.world.view().specs[ResourceName(name)].value


def configured(shell: Shell, *options: str, name: str = "web", template: str = "XenLive_Template",
               preferred: str = "node1,node2,node3") -> ResourceSpec:
    """Make a resource by command and give its configuration."""
    assert shell("resource", "create", name, template, "--preferred", preferred, *options) == 0, shell.err
    return spec_of(shell, name)


def act(story: Callable[[World], Awaitable[None]], nodes: Sequence[str] = NODES) -> None:
    """Play a story on pretend hosts that bear the names the command line knows."""
    play(story, nodes=nodes)


async def online(world: World, *specs: ResourceSpec, node: str | None = None) -> None:
    """Make the resources and bring them online."""
    for each in specs:
        await world.create(each)
        done = await world.order(Verb.ONLINE, each.name, node)
        assert done.outcome is Outcome.DONE, done


def fail_monitor(world: World, resource: str = "web") -> None:
    """Let every monitor run of the resource fail from now on."""
    world.nature.faults[resource, ScriptKind.MONITOR] = Fault(code=1)


async def leaves(world: World, node: str, resource: str = "web") -> None:
    """Wait until the resource has been given to another node, and let its monitor be well there."""
    name = ResourceName(resource)
    await world.until(lambda view: view.states[name].value.node != node, within_s=120)
    world.nature.faults.clear()


def runs(world: World, node: str, resource: str = "web") -> list[ScriptOrder]:
    """Give the script runs of the resource on that node, in order."""
    return [order for order in world.hosts[NodeName(node)].runner.orders if order.resource == resource]


def kinds(world: World, node: str, resource: str = "web") -> list[str]:
    """Name them."""
    return [order.script.value for order in runs(world, node, resource)]


def exports(script: str) -> Mapping[str, str]:
    """Give the settings of a script: what each variable is set to."""
    pairs = (line.removeprefix("export ").partition("=") for line in script.splitlines())
    return {name: value for name, equals, value in pairs if equals and name.isidentifier()}
