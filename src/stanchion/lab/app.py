"""``stanchion lab``: the process lab from the command line."""

import asyncio
import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from stanchion.lab.cluster import Lab, LabHost, default_directory
from stanchion.model.errors import AlreadyExists, InvalidInput, NotNow

app = App(name="lab", help="Pretend hosts on this machine, without root: try a cluster, cut its power.")
power = App(name="power", help="Switch a pretend host off, as a pulled plug would, or on again.")
app.command(power)

MOST_HOSTS = 32
"""More pretend hosts than this one computer cannot carry."""

Dir = Annotated[Path | None, Parameter(name="--dir", help="The lab's directory; default: one of this user's own.")]


def _lab(directory: Path | None) -> Lab:
    return Lab.open(directory or default_directory())


@app.command
def up(*, nodes: int | None = None, profile: Literal["fast", "default", "tolerant"] | None = None, fence: bool = True,
       directory: Dir = None) -> None:
    """Make a lab and start its hosts; one that exists is started again.

    Parameters
    ----------
    nodes
        How many hosts to make; 3 if not said.
    profile
        The cluster's timers: failover by the lease alone takes about 4, 8 or 32 seconds; default if not said.
    fence
        Give every host a fence device, so that failover need not wait for the lease.
    """
    where = directory or default_directory()
    lab = _made(where, nodes, profile)
    lab.up()
    if fence:
        asyncio.run(_equip(lab))
    other = "" if directory is None else f" --dir {directory}"
    print(f"The lab is up in {lab.directory}. Speak to it, for example:")
    print(f'  eval "$(stanchion lab env{other})"')
    print("  stanchion status")
    print(f"  stanchion lab power off node1{other}")
    print(f"  stanchion lab down{other}")


def _made(where: Path, nodes: int | None, profile: str | None) -> Lab:
    if nodes is not None and not 1 <= nodes <= MOST_HOSTS:
        raise InvalidInput(f"--nodes is {nodes}; a lab can have 1 to {MOST_HOSTS} hosts")
    if not (where / "lab.json").exists():
        return Lab.create(where, nodes or 3, profile=profile or "default")
    lab = Lab.open(where)
    if profile is not None or nodes not in {None, len(lab.hosts)}:
        raise NotNow(f"there is a lab in {where} already (hosts: {len(lab.hosts)}), and --nodes and --profile count "
                     "only when one is made; `stanchion lab down` ends it")
    return lab


async def _equip(lab: Lab) -> None:
    from stanchion.client import Client, find
    from stanchion.lab.fencing import equip

    async with Client(find(env=os.environ | lab.environment())) as client:
        await equip(client, lab)


@app.command
def env(*, directory: Dir = None) -> None:
    """Print the shell lines after which `stanchion` speaks to the lab: eval "$(stanchion lab env)"."""
    for name, value in _lab(directory).environment().items():
        print(f"export {name}={shlex.quote(value)}")


@app.command
def guest(name: str, *, directory: Dir = None) -> None:
    """Make a small virtual machine to play with: it boots in a second and ticks on its serial line.

    Parameters
    ----------
    name
        The machine's name, and the name for its resource: letters, digits and underscores.
    """
    from stanchion.lab.demo.machines import DemoMachine

    if not re.fullmatch(r"[A-Za-z0-9_]{1,63}", name):
        raise InvalidInput(f"{name!r} is not a name for a machine: use 1 to 63 letters, digits and underscores")
    machine = DemoMachine(name, "QemuLive_Template", (), _lab(directory).directory / "machines")
    if machine.config.exists():
        raise AlreadyExists(f"there is a machine {name} in this lab already: {machine.config}")
    machine.write()
    print(f"The machine {name} is made. Let the cluster run it, and listen to it:")
    print(f"  stanchion resource create {name} {machine.template} CONFIG={machine.config} --online")
    print(f"  tail -f {machine.serial}")


@app.command
def down(*, keep: bool = False, directory: Dir = None) -> None:
    """End every host of the lab, as a power cut would, and delete the lab.

    Parameters
    ----------
    keep
        Leave the lab's directory, so that `lab up` starts the same cluster again.
    """
    lab = _lab(directory)
    lab.down()
    if not keep:
        lab.remove()
    print(f"The lab in {lab.directory} is down{'' if keep else ' and deleted'}.")


@power.command
def off(node: str, *, directory: Dir = None) -> None:
    """Cut a host's power: everything on it ends at once."""
    answer = _lab(directory).host(node).command("power off")
    print(f"{node} is {answer['power']}.")


@power.command
def on(node: str, *, directory: Dir = None) -> None:
    """Give a host its power back: it boots anew."""
    answer = _lab(directory).host(node).command("power on")
    print(f"{node} is {answer['power']}, boot {answer['boot']}.")


@app.command
def kill_agent(node: str, *, directory: Dir = None) -> None:
    """Kill a host's agent with SIGKILL; its supervisor starts another."""
    _lab(directory).host(node).command("kill agent")
    print(f"The agent of {node} was killed.")


@app.command
def pause_agent(node: str, *, directory: Dir = None) -> None:
    """Stop a host's agent with SIGSTOP, as if it hung; the watchdog will reset the host."""
    _lab(directory).host(node).command("pause agent")
    print(f"The agent of {node} is stopped.")


@app.command
def resume_agent(node: str, *, directory: Dir = None) -> None:
    """Let a stopped agent go on."""
    _lab(directory).host(node).command("resume agent")
    print(f"The agent of {node} goes on.")


@app.command
def status(*, directory: Dir = None) -> None:
    """Show the lab's hosts: power, agent, watchdog."""
    lab = _lab(directory)
    table = Table("Host", "Power", "Agent", "Restarts", "Resets", "Watchdog fires", "Processes", box=None,
                  pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for host in lab.hosts:
        table.add_row(host.name, *_row(host))
    print(f"Lab in {lab.directory}\n")
    Console(highlight=False).print(table)


def _row(host: LabHost) -> tuple[str, ...]:
    try:
        answer = host.command("status")
    except NotNow:
        return ("no supervisor", "", "", "", "", "")
    agent = f"{answer['agent']}{' (stopped)' if answer['paused'] else ''}" if answer["agent"] else "-"
    fires = "not armed" if answer["fires_in_s"] is None else f"in {answer['fires_in_s']} s"
    processes = answer["processes"]
    assert isinstance(processes, list)
    return (str(answer["power"]), agent, str(answer["restarts"]), str(answer["resets"]), fires, str(len(processes)))
