"""The OCF agent ``ocf:stanchion:Qemu``: one virtual machine, run by plain QEMU.

Every action is one call of this program; it answers with an exit code of the OCF standard and puts the reason, if it
is not a success, on its error output (``ocf-exit-reason:``). Two actions are ours: ``prepare`` makes the process that
receives a live migration, and ``halt`` ends the machine at once.

A live migration keeps this order, so that no two processes ever execute the machine:

1. target, ``prepare``: a process that is paused (``-S``) and stays so when the machine has arrived;
2. source, ``migrate_to``: the memory goes over; the source's process stands still from then on, and is ended;
3. target, ``migrate_from``: only now, when all has arrived and somebody knows that the source has ended, ``cont``.

If step 2 fails, the source runs on, and ``halt`` cleans up the target. Nothing here ever lets a target run on its own.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from stanchion.drivers.qemu import health, migration, process, qmp, starting
from stanchion.drivers.qemu.config import NOT_CONFIGURED, Wrong, check_files, emulator, read
from stanchion.drivers.qemu.health import Life
from stanchion.drivers.qemu.metadata import METADATA

SUCCESS, FAILED, BAD_ARGUMENTS, UNIMPLEMENTED, NOT_RUNNING = 0, 1, 2, 3, 7

_DEFAULT_TIMEOUT_S = 60.0
_SHARE_OF_TIMEOUT = 0.9
_END_WITHIN_S = 5.0
_QUIT_WITHIN_S = 3.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", re.ASCII)


class Call(NamedTuple):
    """One call of the agent: the machine's place on this host and the parameters from the environment."""

    place: process.Place
    environment: Mapping[str, str]

    def parameter(self, name: str, default: str = "") -> str:
        """Give one parameter; what the cluster adds itself is named ``CRM_meta_...``."""
        return self.environment.get(f"OCF_RESKEY_{name}") or default

    def seconds(self, name: str, default: float) -> float:
        """Give a parameter that is a number of seconds. Raises ``Wrong`` (6) when it is no number."""
        text = self.parameter(name, str(default))
        try:
            return max(float(text), 0.0)
        except ValueError:
            raise Wrong(NOT_CONFIGURED, f"{name} = {text} must be a number of seconds") from None

    @property
    def timeout_s(self) -> float:
        """How long this action may take: a little less than the cluster will wait."""
        return self.seconds("CRM_meta_timeout", _DEFAULT_TIMEOUT_S * 1000) / 1000 * _SHARE_OF_TIMEOUT

    @property
    def address(self) -> str:
        """The address at which other nodes reach this one."""
        return self.environment.get("STANCHION_NODE_ADDRESS") or "127.0.0.1"


def start(call: Call) -> int:
    """Start the machine; one that runs is left alone. What a migration left behind is cleaned up first."""
    now = health.examine(call.place)
    if now.life is Life.RUNS:
        return SUCCESS
    if now.life in {Life.WAITS, Life.SENT}:
        _end(call)
    elif now.life is not Life.NONE:
        raise Wrong(FAILED, f"it cannot be started: {now.sentence}; stop it first")
    starting.start(call.place, read(call.parameter("config")))
    after = health.examine(call.place)
    if after.life is not Life.RUNS:
        raise Wrong(FAILED, f"QEMU was started, but {after.sentence}")
    return SUCCESS


def stop(call: Call) -> int:
    """Stop the machine: ask its guest, then QEMU, then the kernel. Success only when its process has ended."""
    now = health.examine(call.place)
    if now.life is not Life.NONE:
        try:
            with qmp.Line(call.place.directory, call.place.acting, health.ANSWER_WITHIN_S) as line:
                _ask_to_end(call, line, now.life)
        except (qmp.Silent, qmp.Refused) as problem:
            _say(f"the machine is ended without its consent: {problem}")
    return _end(call)


def _ask_to_end(call: Call, line: qmp.Line, life: Life) -> None:
    patience_s = min(call.seconds("shutdown_timeout", 60.0), max(call.timeout_s - _END_WITHIN_S - _QUIT_WITHIN_S, 0.0))
    if life is Life.RUNS and patience_s:
        line.order("system_powerdown")
        if process.gone(call.place, patience_s):
            return
    line.order("quit")
    process.gone(call.place, _QUIT_WITHIN_S)


def halt(call: Call) -> int:
    """End the machine's process at once, without grace, and see that it is gone."""
    return _end(call)


def _end(call: Call) -> int:
    process.kill(call.place)
    if not process.gone(call.place, _END_WITHIN_S):
        raise Wrong(FAILED, "its process cannot be ended: " + health.examine(call.place).sentence)
    process.forget(call.place)
    return SUCCESS


def monitor(call: Call) -> int:
    """Tell how the machine is: 0 it runs, 7 it is not here, 1 it is here and not well."""
    now = health.examine(call.place)
    if now.life in {Life.NONE, Life.WAITS, Life.SENT}:
        return NOT_RUNNING
    if now.life is not Life.RUNS or now.process is None:
        raise Wrong(FAILED, f"the machine is not well: {now.sentence}")
    patience_s = call.seconds("monitor_serial_s", 0.0)
    silent_s = health.silence_s(call.place, now.process) if patience_s else None
    if silent_s is not None and silent_s > patience_s:
        raise Wrong(FAILED, f"the guest hangs: nothing on its serial port for {silent_s:.0f} s")
    return SUCCESS


def prepare(call: Call) -> int:
    """Make the process that is to receive the machine, and print the door at which it waits."""
    now = health.examine(call.place)
    if now.executes:
        raise Wrong(FAILED, f"it cannot receive the machine, which is here already: {now.sentence}")
    _end(call)
    door = starting.receive(call.place, read(call.parameter("config")), call.address)
    sys.stdout.write(f"door: {door}\n")
    return SUCCESS


def migrate_to(call: Call) -> int:
    """Send the running machine to the door that the target has opened, then end the process here."""
    target = call.parameter("CRM_meta_migrate_target")
    door = call.environment.get("STANCHION_DOOR", "")
    if not target or not door:
        raise Wrong(BAD_ARGUMENTS, "the target of the migration and its door must be given "
                                   "(OCF_RESKEY_CRM_meta_migrate_target, STANCHION_DOOR)")
    now = health.examine(call.place)
    if now.life is not Life.RUNS:
        raise Wrong(FAILED, f"the machine cannot be sent to {target}: {now.sentence}")
    stopped_at_s = migration.send(call.place, door, call.timeout_s)
    code = _end(call)
    sys.stdout.write(f"stopped-at: {stopped_at_s:.3f}\n")
    return code


def migrate_from(call: Call) -> int:
    """Wait until the machine has arrived whole, then let it run. The caller knows that the source has ended."""
    now = health.examine(call.place)
    if now.life is Life.RUNS:
        return SUCCESS
    if now.life is not Life.WAITS:
        raise Wrong(FAILED, f"no machine can come in here: {now.sentence}")
    resumed_at_s = migration.take(call.place, call.timeout_s)
    sys.stdout.write(f"resumed-at: {resumed_at_s:.3f}\n")
    return SUCCESS


def validate(call: Call) -> int:
    """Check that the machine could be started on this host."""
    check_files(read(call.parameter("config")))
    emulator()
    return SUCCESS


def meta_data(_: Call) -> int:
    """Print what the agent can, as the standard wants it."""
    sys.stdout.write(METADATA)
    return SUCCESS


ACTIONS: dict[str, Callable[[Call], int]] = {
    "start": start,
    "stop": stop,
    "monitor": monitor,
    "status": monitor,
    "prepare": prepare,
    "migrate_to": migrate_to,
    "migrate_from": migrate_from,
    "halt": halt,
    "validate-all": validate,
    "meta-data": meta_data,
}


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Carry out one action and give its OCF exit code."""
    action = ACTIONS.get(arguments[0]) if len(arguments) == 1 else None
    if action is None:
        sys.stderr.write(f"usage: Qemu {'|'.join(ACTIONS)}\n")
        return UNIMPLEMENTED
    name = environment.get("OCF_RESKEY_name") or environment.get("OCF_RESOURCE_INSTANCE", "")
    directory = environment.get("HA_RSCTMP") or "/run/resource-agents"
    if action is not meta_data and not _NAME.fullmatch(name):
        _say(f"the machine's name {name!r} is not possible: 1 to 63 letters, digits and _ . -")
        return NOT_CONFIGURED
    call = Call(process.place(directory, name), environment)
    try:
        return action(call)
    except Wrong as wrong:
        _say(f"{name}: {wrong}")
        return wrong.code
    except (OSError, qmp.Silent, qmp.Refused) as problem:
        _say(f"{name}: {problem}")
        return FAILED


def _say(sentence: str) -> None:
    sys.stderr.write(f"ocf-exit-reason:{sentence}\n")


def run() -> int:
    """Start here: the program's arguments and environment."""
    return main(sys.argv[1:], os.environ)
