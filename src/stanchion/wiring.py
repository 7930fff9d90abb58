"""The one place that knows every concrete class: it builds an agent from its settings, and makes a node's files.

Heavy libraries are imported late and off the event loop: an agent that was restarted must renew its lease within
moments, and the API can wait.
"""

import asyncio
import fcntl
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO, cast

import structlog

from stanchion import __version__
from stanchion.agent.daemon import Daemon
from stanchion.agent.doors import Doors, Identity
from stanchion.agent.notifying import Notifying
from stanchion.colleagues import ClusterColleagues
from stanchion.config import AgentConfig, door_of, url_of
from stanchion.doorways import Doorways, papers_of
from stanchion.drivers.bell import HypervisorBell
from stanchion.drivers.clock import HostChance, HostClock
from stanchion.drivers.device import DeviceWatchdog
from stanchion.drivers.fence import SEARCHED, FenceAgents
from stanchion.drivers.files import HostFiles
from stanchion.drivers.host import LinuxHost, read_boot_id, refuse_reset, reset_by_sysrq
from stanchion.drivers.hypervisor import HostHypervisor
from stanchion.drivers.journal import FileJournal
from stanchion.drivers.pulse import DeafPulse, UdpPulse
from stanchion.drivers.script import ScriptRunner
from stanchion.drivers.storage import KernelStorage
from stanchion.drivers.templates import SHARE
from stanchion.drivers.watchdog import NoWatchdog, SupervisorWatchdog
from stanchion.lookout import Bell
from stanchion.model.cluster import ClusterView, SelfFence
from stanchion.model.errors import HostError, StanchionError, StoreUnavailable, plainly
from stanchion.model.ids import NodeName, OperationId
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.neighbours import ClusterNeighbours
from stanchion.plan.node import held_here
from stanchion.ports import Notifier, Pulse, ScriptOrder, Store
from stanchion.stores import open_store

API_RETRY_S = 1.0
STORE_BUSY_S = 1.0
"""How long to wait for other processes' transactions; well within the shortest time until a halt."""

log = structlog.get_logger(__name__)


def run_agent(config: AgentConfig, settings: Path) -> None:
    """Run one node's agent until it is told to end; ``settings`` is the file of its ``config``.

    Raises ``StanchionError`` with what an operator must do.
    """
    _journal_lines(as_json=config.log_json)
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _only_agent(config.state_dir)
    try:
        asyncio.run(_live(config, settings))
    except BaseExceptionGroup as problems:
        # Not `except*`: what is raised there is wrapped in a group again.
        told, others = problems.split(StanchionError)
        if told is None or others is not None:
            raise
        raise _first(told) from None
    finally:
        os.close(lock)


async def _live(config: AgentConfig, settings: Path) -> None:
    store = await open_store(config, busy_s=STORE_BUSY_S)
    try:
        pulse = await _pulse(config)
        bell = HypervisorBell()
        doors, runner = _doors(config, store, pulse, bell)
        if not await _needed(config, store):
            _check_api(config)
        ways = Doorways(config, settings, store, doors.clock, lambda: _token(config))
        identity = Identity(node=NodeName(config.node), url=url_of(config), door=door_of(config), version=__version__,
                            pulse="" if isinstance(pulse, DeafPulse) else _shown(config),
                            self_fence=config.self_fence)
        daemon = Daemon(doors, identity)
        work = asyncio.create_task(daemon.run(_serve(config, daemon, doors, runner, ways), _notify(daemon, doors),
                                              *ways.chores(lambda: daemon.view)))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        await asyncio.wait({work})
        await bell.close()
        if not work.cancelled():
            work.result()
    finally:
        await store.close()


async def _pulse(config: AgentConfig) -> Pulse:
    """Listen for signs of life on the API's port, over UDP; who cannot is judged by its lease alone."""
    try:
        pulse = UdpPulse(config.listen_host, config.listen_port, _token(config))
        await pulse.open()
    except HostError as problem:
        log.warning("no signs of life from here", problem=str(problem))
        return DeafPulse()
    return pulse


def _doors(config: AgentConfig, store: Store, pulse: Pulse, bell: Bell) -> tuple[Doors, ScriptRunner]:
    run_directory = config.state_dir / "run"
    run_directory.mkdir(mode=0o700, exist_ok=True)
    clock = HostClock()
    environment = {
        "STANCHION_NODE_ADDRESS": config.address,
        "STANCHION_STATE_DIR": str(config.state_dir),
        "HA_RSCTMP": str(run_directory),
    }
    runner = ScriptRunner(node=NodeName(config.node), runs_dir=config.state_dir / "runs", clock=clock,
                          environment=environment, library=SHARE / "ncsfuncs")

    async def ask(spec: ResourceSpec) -> tuple[int, str]:
        script = spec.scripts.monitor
        order = ScriptOrder(resource=spec.name, script=ScriptKind.MONITOR, text=script.text,
                            operation=OperationId(f"look-{time.monotonic_ns()}"), timeout_s=script.timeout_s)
        run = await runner.run(order)
        return run.code, run.command

    watchdog: NoWatchdog | SupervisorWatchdog | DeviceWatchdog = NoWatchdog()
    reset = reset_by_sysrq if config.reset == "sysrq" else refuse_reset
    if config.self_fence is SelfFence.WATCHDOG:
        watchdog = DeviceWatchdog()
    if config.self_fence is SelfFence.SUPERVISOR and config.supervisor is not None:
        watchdog = SupervisorWatchdog(config.supervisor)
        reset = watchdog.reset
    doors = Doors(store=store, runner=runner, hypervisor=HostHypervisor(run_directory, ask),
                  host=LinuxHost(read_boot_id(os.environ), reset), watchdog=watchdog,
                  journal=FileJournal(config.state_dir / "journal.json"), clock=clock, chance=HostChance(),
                  fencer=FenceAgents(f"{SHARE / 'sbin'}:{SEARCHED}"), pulse=pulse,
                  colleagues=ClusterColleagues(lambda: _token(config), papers_of(config)),
                  bell=bell, storage=KernelStorage())
    return doors, runner


async def _notifier() -> Notifier:
    channels = await asyncio.to_thread(importlib.import_module, "stanchion.drivers.notify")
    notifier: Notifier = channels.Channels()
    return notifier


async def _notify(daemon: Daemon, doors: Doors) -> None:
    """Tell people outside what happens, for ever."""
    notifying = Notifying(store=doors.store, notifier=await _notifier(), clock=doors.clock, view=lambda: daemon.view,
                          changed=daemon.loop.changed, session=lambda: daemon.tenure.session)
    await notifying.run()


async def _serve(config: AgentConfig, daemon: Daemon, doors: Doors, runner: ScriptRunner, ways: Doorways) -> None:
    """Answer for the cluster, for ever; a taken port or a missing token costs the API, never the machines."""
    services = await asyncio.to_thread(importlib.import_module, "stanchion.api.services")
    lint = await asyncio.to_thread(importlib.import_module, "stanchion.drivers.lint")
    passwords = await asyncio.to_thread(importlib.import_module, "stanchion.trust.passwords")
    while True:
        try:
            here = services.Services(
                node=NodeName(config.node), store=doors.store, view=lambda: daemon.view, changed=daemon.loop.changed,
                clock=doors.clock, chance=doors.chance, fencer=doors.fencer, lint=lint.ScriptLint(),
                process_of=runner.process_of, running=runner.running, end_process=runner.end,
                token=_token(config), version=__version__, token_file=str(config.token_file),
                names=config.names, notifier=await _notifier(),
                statistics=lambda: daemon.statistics, clear_statistics=daemon.clear_statistics,
                store_away=lambda: daemon.tenure.reach.away, silent=lambda: daemon.silent,
                passwords=passwords.Argon(), files=HostFiles(), colleagues=doors.colleagues,
                neighbours=ClusterNeighbours(lambda: _token(config), doors.clock),
                **ways.services)
            await ways.serve(here)
        except HostError as problem:
            log.warning("the API does not answer yet", problem=str(problem))
        await asyncio.sleep(API_RETRY_S)


def _token(config: AgentConfig) -> str:
    try:
        token = config.token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise HostError(f"the token file {config.token_file} cannot be read ({plainly(problem)}); "
                        "`stanchion init` makes one") from None
    if not token:
        raise HostError(f"the token file {config.token_file} is empty; `stanchion init` makes one")
    return token


def _shown(config: AgentConfig) -> str:
    host = config.address if config.listen_host in {"0.0.0.0", "::"} else config.listen_host  # noqa: S104 - compared
    return f"[{host}]:{config.listen_port}" if ":" in host else f"{host}:{config.listen_port}"


async def _needed(config: AgentConfig, store: Store) -> bool:
    """Whether machines may depend on this agent: then it begins even where its API cannot answer."""
    try:
        now = await store.snapshot()
    except StoreUnavailable:
        return True
    view, me = ClusterView().apply(now.changes, now.revision), NodeName(config.node)
    return me in view.live or bool(held_here(view, me))


def _check_api(config: AgentConfig) -> None:
    """Refuse to begin where the API could not answer."""
    _token(config)
    _check_port(config, config.listen_port, "the API", "listen_port")
    if config.ca is not None:
        _check_port(config, config.peer_port, "the agents' door", "peer_port")


def _check_port(config: AgentConfig, port: int, what: str, setting: str) -> None:
    family = socket.AF_INET6 if ":" in config.listen_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.listen_host, port))
        except OSError as problem:
            raise HostError(f"{what} cannot listen on {config.listen_host} port {port} "
                            f"({problem.strerror}); end what uses it, or set another {setting}") from None


def _only_agent(state_dir: Path) -> int:
    """Hold the directory's lock for as long as the agent lives; the kernel lets go of it, however the agent ends."""
    descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HostError(f"another agent runs with the directory {state_dir}; stop it first, or give this one its "
                        "own settings (`stanchion init --dir`)") from None
    return descriptor


def _first(problems: BaseExceptionGroup[StanchionError]) -> StanchionError:
    found: BaseException = problems
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, StanchionError)
    return found


class _Journal:
    """Standard error, where a line that cannot be written (a full disk, a closed pipe) is lost and nothing else."""

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with suppress(OSError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose what was not written."""
        with suppress(OSError):
            sys.stderr.flush()


def _journal_lines(*, as_json: bool) -> None:
    """Write the agent's journal to standard error: one line each, for people or for machines."""
    last: Callable[..., object] = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty())
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.format_exc_info, last],  # type: ignore[list-item]  # a renderer comes last
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Journal())),
    )
