"""The demo's virtual machines, as seen from outside: their files, and what they say on their serial lines.

A guest writes ``tick COUNTER boot NONCE`` again and again (see ``lab.guest``). The nonce is drawn at each boot and the
counter goes up by one with each line, so its log alone tells when it was started anew, whether it ever stood still,
and whether two copies of it ever ran: then two nonces would take turns.
"""

import re
from pathlib import Path

from stanchion.lab import guest
from stanchion.lab.linux_guest import APPEND, LinuxGuest

CONFIG = """# A guest of the lab: it ticks on its serial line. Keys: see docs/templates.md.
memory = 32
accel = tcg
disk = {name}.img
serial = {name}.serial
"""

LINUX_CONFIG = """# A Linux guest of the lab: it ticks on its serial line. Keys: see docs/templates.md.
memory = 128
accel = tcg
kernel = {linux.kernel}
initrd = {linux.initrd}
append = {append}
serial = {name}.serial
"""

Tick = guest.Tick


class DemoMachine:
    """One virtual machine of the demo. ``template`` is what its resource is made from."""

    def __init__(self, name: str, template: str, preferred: tuple[str, ...], directory: Path, *,
                 linux: LinuxGuest | None = None) -> None:
        self.name = name
        self._linux = linux
        self.template = template
        self.preferred = preferred
        self.config = directory / f"{name}.conf"
        self.disk = directory / f"{name}.img"
        self.serial = directory / f"{name}.serial"

    def write(self) -> None:
        """Make its files: a configuration, and a disk that is reached from every node, as on shared storage."""
        self.config.parent.mkdir(exist_ok=True)
        if self._linux is None:
            text = CONFIG.format(name=self.name)
            guest.write_image(self.disk)
        else:
            text = LINUX_CONFIG.format(name=self.name, linux=self._linux, append=APPEND)
        self.config.write_text(text, encoding="utf-8")

    def heard(self) -> list[Tick]:
        """Give every whole tick that it has said so far."""
        try:
            return guest.parse(self.serial.read_text(encoding="ascii", errors="replace"))
        except FileNotFoundError:
            return []

    def last(self) -> Tick | None:
        """Give its last tick."""
        heard = self.heard()
        return heard[-1] if heard else None

    def boots(self) -> list[str]:
        """Give the nonce of each boot, in order."""
        return list(dict.fromkeys(tick.nonce for tick in self.heard()))

    def fault(self) -> str:
        """Say what in its log must never be: a second copy, or a counter that goes back. Empty: nothing."""
        text = self.serial.read_text(encoding="ascii", errors="replace") if self.serial.exists() else ""
        if found := re.search(r"second copy [0-9a-f]+", text):
            return f"{self.name} says: {found[0]}"
        over: set[str] = set()
        before: Tick | None = None
        for tick in guest.parse(text):
            if before is not None and tick.nonce == before.nonce and tick.counter <= before.counter:
                return f"{self.name} said tick {tick.counter} of boot {tick.nonce} after tick {before.counter}"
            if before is not None and tick.nonce != before.nonce:
                over.add(before.nonce)
            if tick.nonce in over:
                return f"{self.name}: boot {tick.nonce} spoke again after the next boot had begun: two copies"
            before = tick
        return ""
