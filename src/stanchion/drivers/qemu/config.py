"""The configuration file of a machine run by plain QEMU, and the command line made of it.

Lines of the form ``key = value``; ``#`` begins a comment line. Paths are read relative to the file itself, so that a
machine's files may stand together in one directory. An example::

    memory = 2048
    cpus = 2
    disk = /srv/machines/web1.img
    net = bridge,br=br0

The file must be the same on every node that is to hold the machine: a machine migrates live only into an equal one.
"""

import os
import shlex
import shutil
from typing import NamedTuple

DEFAULTS = {
    "memory": "256",
    "cpus": "1",
    "machine": "pc",
    "cpu": "",
    "accel": "auto",
    "disk": "",
    "bus": "ide",
    "cache": "writethrough",
    "kernel": "",
    "initrd": "",
    "append": "",
    "serial": "",
    "net": "",
    "mac": "",
    "args": "",
}
"""Every key that there is, with the value that it has when the file does not name it."""

CHOICES = {
    "machine": ("pc", "q35"),
    "accel": ("auto", "tcg", "kvm"),
    "bus": ("ide", "virtio"),
    "cache": ("writethrough", "none", "writeback", "directsync"),
}
_PATHS = ("disk", "kernel", "initrd", "serial")
_MUST_EXIST = ("disk", "kernel", "initrd")


class Wrong(Exception):
    """The machine cannot be run as it is described; ``code`` is the OCF exit code that says so."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


NOT_INSTALLED = 5
NOT_CONFIGURED = 6


class Machine(NamedTuple):
    """A machine's configuration: the values of ``DEFAULTS``'s keys, its paths made whole."""

    path: str
    values: dict[str, str]


def read(path: str) -> Machine:
    """Read a configuration file. Raises ``Wrong``: not there (5), or not to be understood (6)."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        text = getattr(problem, "strerror", None) or problem
        raise Wrong(NOT_INSTALLED, f"the configuration file {path} cannot be read: {text}") from problem
    values = dict(DEFAULTS)
    for number, line in enumerate(lines, 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or key not in DEFAULTS:
            raise Wrong(NOT_CONFIGURED, f"{path}, line {number}: {line.strip()!r} is not understood; "
                                        f"known keys: {', '.join(DEFAULTS)}")
        values[key] = value
    _check(path, values)
    directory = os.path.dirname(os.path.abspath(path))
    for key in _PATHS:
        if values[key]:
            values[key] = os.path.join(directory, values[key])
    return Machine(path, values)


def _check(path: str, values: dict[str, str]) -> None:
    for key in ("memory", "cpus"):
        if not values[key].isdigit() or int(values[key]) < 1:
            raise Wrong(NOT_CONFIGURED, f"{path}: {key} = {values[key]} must be a number of at least 1")
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise Wrong(NOT_CONFIGURED, f"{path}: {key} = {values[key]} must be one of: {', '.join(choices)}")
    if not values["disk"] and not values["kernel"]:
        raise Wrong(NOT_CONFIGURED, f"{path} names neither a disk nor a kernel, so nothing would start")


def check_files(machine: Machine) -> None:
    """Raise ``Wrong`` (5) when a file that the machine needs is not on this host."""
    for key in _MUST_EXIST:
        path = machine.values[key]
        if path and not os.path.exists(path):
            raise Wrong(NOT_INSTALLED, f"the machine's {key} {path} is not here")


def emulator() -> str:
    """Find QEMU on this host. Raises ``Wrong`` (5) when there is none."""
    found = shutil.which("qemu-system-x86_64") or shutil.which("qemu-kvm", path="/usr/libexec:/usr/bin")
    if not found:
        raise Wrong(NOT_INSTALLED, "there is no QEMU on this host: install qemu-system-x86")
    return found


def hardware(machine: Machine, accel: str) -> list[str]:
    """Give QEMU's options for the machine itself: the same on every node, whatever it is started for.

    The image's lock stays on: it is a second guard against a second copy, beside the cluster.
    """
    values = machine.values
    options = ["-machine", f"{values['machine']},accel={accel}", "-m", values["memory"], "-smp", values["cpus"],
               "-nodefaults", "-no-user-config", "-display", "none"]
    if values["cpu"]:
        options += ["-cpu", values["cpu"]]
    if values["disk"]:
        options += ["-drive", f"file={_escaped(values['disk'])},format=raw,if={values['bus']},cache={values['cache']}"]
    for key in ("kernel", "initrd", "append"):
        if values[key]:
            options += [f"-{key}", values[key]]
    if values["serial"]:
        options += ["-chardev", f"file,id=serial0,append=on,path={_escaped(values['serial'])}",
                    "-serial", "chardev:serial0"]
    if values["net"]:
        mac = f",mac={values['mac']}" if values["mac"] else ""
        options += ["-netdev", f"{values['net']},id=net0", "-device", f"virtio-net-pci,netdev=net0{mac}"]
    return options + shlex.split(values["args"])


def serial_log(argv: list[str]) -> str:
    """Give the path of the serial log out of a machine's command line; empty when it has none."""
    mark = "file,id=serial0,append=on,path="
    return next((word[len(mark):].replace(",,", ",") for word in argv if word.startswith(mark)), "")


def _escaped(path: str) -> str:
    return path.replace(",", ",,")
