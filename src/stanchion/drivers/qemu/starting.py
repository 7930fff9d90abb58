"""Starting a machine's process: to run at once, or to wait, paused, for a machine that another node sends.

QEMU puts itself into the background: it has its own session, holds none of our files, and survives whoever asked for
it. Until it does so, it says on its error output why it cannot start; those words are given to people as they are.
"""

import os
import subprocess

from stanchion.drivers.qemu import accel, process, qmp
from stanchion.drivers.qemu.config import NOT_INSTALLED, Machine, Wrong, check_files, emulator, hardware
from stanchion.drivers.qemu.process import Place

_START_WITHIN_S = 30.0
_FAILED = 1


def start(of: Place, machine: Machine, incoming: str = "") -> None:
    """Start the machine's process; with ``incoming`` it waits there, paused.

    The mark of a waiting process is written before there is one, so no moment shows it as a machine that was paused.
    Raises ``Wrong`` with QEMU's own words when it does not start.
    """
    check_files(machine)
    qemu = emulator()
    os.makedirs(of.directory, exist_ok=True)
    process.forget(of)
    extra = []
    if incoming:
        extra = ["-S", "-incoming", incoming]
        with open(of.incoming, "wb"):
            pass
    wanted = machine.values["accel"]
    kind = accel.best(qemu, of.directory) if wanted == "auto" else wanted
    # The sockets are named relative to the directory in which QEMU starts: a whole path may be too long for them.
    command = [qemu, "-name", f"guest={of.name}", "-pidfile", of.pid_file, "-daemonize",
               "-qmp", f"unix:{of.asking},server=on,wait=off", "-qmp", f"unix:{of.acting},server=on,wait=off",
               *hardware(machine, kind), *extra]
    try:
        ended = subprocess.run(command, cwd=of.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, timeout=_START_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        process.kill(of)
        raise Wrong(_FAILED, f"QEMU did not start within {_START_WITHIN_S:.0f} s") from None
    except OSError as problem:
        raise Wrong(NOT_INSTALLED, f"QEMU cannot be started: {problem}") from problem
    if ended.returncode:
        words = " ".join(ended.stderr.decode(errors="replace").split())
        raise Wrong(_FAILED, f"QEMU did not start: {words or f'exit code {ended.returncode}'}")


def receive(of: Place, machine: Machine, address: str) -> str:
    """Start a process that waits, paused, for the machine; give the door at which it waits: ``tcp:ADDRESS:PORT``.

    The kernel chooses a free port and QEMU tells which.
    """
    host = f"[{address}]" if ":" in address else address
    start(of, machine, f"tcp:{host}:0")
    with qmp.Line(of.directory, of.acting, _START_WITHIN_S) as line:
        listening = line.order("query-migrate").get("socket-address", [])
    if not listening:
        process.kill(of)
        raise Wrong(_FAILED, f"QEMU opened no door at {address}")
    return f"tcp:{host}:{listening[0]['port']}"
