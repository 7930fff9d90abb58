"""Unit files for systemd, written beside the settings and installed by the administrator.

Three things in them matter to machines. ``KillMode=process``: ending the agent ends the agent alone, and the machines
live on. ``Restart=always`` with next to no pause: an agent that is back in time finds its session alive. And the agent
goes before other work of its host, in real time, where the kernel lets it: one that gets no processor while scripts and
machines are busy cannot feed its watchdog, and a host that is merely busy would be reset. What it starts does not
inherit that.

When the *host* shuts down, its machines are to be handed over before anything that they need is gone. Units end in the
reverse of the order in which they began; so a unit of its own, which begins after the agent and after whatever else
ends machines at a shutdown, ends first, and what it does to end is to hand over. It does so only while the whole system
stops: ending this unit, or the agent, by hand moves nothing.
"""

import sys
from pathlib import Path

from stanchion.model.errors import HostError

_AGENT = """\
[Unit]
Description=Stanchion agent
Wants=network-online.target
After=network-online.target stanchion-etcd.service

[Service]
ExecStart={program} agent --config {directory}/agent.toml
ExecStartPost=-/usr/bin/chrt --rr --reset-on-fork --pid 1 $MAINPID
Restart=always
RestartSec=0.2
KillMode=process
TasksMax=infinity
LimitMEMLOCK=infinity
OOMScoreAdjust=-1000

[Install]
WantedBy=multi-user.target
"""

_HANDOVER = """\
[Unit]
Description=Stanchion hands machines over when this host shuts down
Wants=stanchion-agent.service
After=stanchion-agent.service network-online.target remote-fs.target
After=libvirtd.service virt-guest-shutdown.target libvirt-guests.service xendomains.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c '[ "$$(systemctl is-system-running)" != stopping ] || exec {program} handover {node} \
--config {directory}/client.toml'
TimeoutStopSec=15min

[Install]
WantedBy=multi-user.target
"""

_ETCD = """\
[Unit]
Description=etcd, the store of Stanchion
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={program} etcd run --dir {directory}
Restart=always
RestartSec=1
LimitNOFILE=65536
OOMScoreAdjust=-1000

[Install]
WantedBy=multi-user.target
"""


def write_units(directory: Path, *, node: str, etcd: bool) -> list[Path]:
    """Write the unit files into ``directory/systemd``; give their paths. Raises ``HostError``."""
    program = f"{sys.executable} -m stanchion"
    wanted = {"stanchion-etcd.service": _ETCD} if etcd else {}
    wanted["stanchion-agent.service"] = _AGENT
    wanted["stanchion-handover.service"] = _HANDOVER
    place = directory / "systemd"
    try:
        place.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (place / name).write_text(text.format(program=program, directory=directory, node=node), encoding="utf-8")
    except OSError as problem:
        raise HostError(f"the unit files cannot be written below {place}: {problem.strerror}") from None
    return [place / name for name in wanted]
