"""The files that make a plain Debian a host of this lab: network, names, ssh, what not to start, storage, power.

One image serves both hosts. Which one it is, a machine learns from its kernel's command line: ``lab.number=2`` and
systemd's own ``systemd.hostname=xen2``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NET = "10.79.0"
HUB = f"{NET}.254"
"""The address of the computer that the lab runs on, in the lab's network."""

POWER_PORT = 7480
HEARING_PORT = 7481
"""TCP ports: where the rack answers fence agents, and where it hears guests."""

XEN_HOSTS = ("xen1", "xen2")
WITNESS = "witness"
HOSTS = {**{name: number for number, name in enumerate(XEN_HOSTS, start=1)}, WITNESS: 3}
"""The nodes, and the last number of their addresses."""

ETCD = {"etcd1": 251, "etcd2": 252, "etcd3": 253}
"""The members of the etcd, and the last number of their addresses."""
BRIDGE = "xenbr0"
FENCE_AGENT = "fence_stanchion_rack"
OCFS2_DISK = "ocfs"

MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
          "e2scrub_reap.service", "etcd.service", "xendomains.service", "ocfs2.service", "o2cb.service",
          "systemd-timesyncd.service", "logd.service", "systemd-networkd-wait-online.service", "lvm2-monitor.service")
"""What does not start by itself: it costs time, or it is for the cluster or for a step to start."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the image."""

    text: str
    mode: int = 0o644


def address(name: str) -> str:
    """Give the address of a node, or of a member of the etcd."""
    return f"{NET}.{(HOSTS | ETCD)[name]}"


_NETWORK = f"""\
#!/bin/sh
# The host's own card becomes a port of the bridge that its guests are plugged into, too.
number=$(sed 's/.*lab.number=\\([0-9]*\\).*/\\1/' /proc/cmdline)
ip link add {BRIDGE} address 52:54:00:79:01:0$number type bridge forward_delay 0 stp_state 0
ip link set eth0 up master {BRIDGE}
ip link set {BRIDGE} up
ip address add {NET}.$number/24 dev {BRIDGE}
"""

_NETWORK_UNIT = """\
[Unit]
Description=Network of the lab
DefaultDependencies=no
After=systemd-remount-fs.service systemd-udev-settle.service
Wants=systemd-udev-settle.service network.target
Before=network.target network-online.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-network

[Install]
WantedBy=multi-user.target network-online.target
"""

_SSH = """\
# A target that is gone must be noticed: without these lines `xl migrate` waits for it for ever.
Host *
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    ConnectTimeout 10
    ServerAliveInterval 3
    ServerAliveCountMax 5
"""

_FENCE = f"""\
#!/bin/bash
# {FENCE_AGENT}: power of a machine, by the rack that it stands in. Protocol of fence-agents: NAME=VALUE lines.
ip={HUB} port={POWER_PORT} plug='' action=''
while IFS='=' read -r name value; do
    case $name in
    ip | port | plug | action) printf -v "$name" '%s' "$value" ;;
    esac
done
if [ "$action" = metadata ]; then
    echo '<resource-agent name="{FENCE_AGENT}" shortdesc="Power of the Xen lab"></resource-agent>'
    exit 0
fi
exec 3<> "/dev/tcp/$ip/$port" || exit 1
echo "$plug $action" >&3
read -r -t 15 power <&3 || exit 1
echo "the rack says: $plug is $power"
case $power in
on) [ "$action" != off ] ;;
off) [ "$action" = status ] && exit 2 || [ "$action" = off ] ;;
*) exit 1 ;;
esac
"""

_STANCHION = """\
#!/bin/sh
exec /usr/bin/python3 -m stanchion "$@"
"""

_O2CB = """\
# Generous: without KVM a host may stand still for seconds.
O2CB_ENABLED=true
O2CB_BOOTCLUSTER=lab
O2CB_HEARTBEAT_THRESHOLD=31
O2CB_IDLE_TIMEOUT_MS=30000
O2CB_KEEPALIVE_DELAY_MS=2000
O2CB_RECONNECT_DELAY_MS=2000
"""


def _ocfs2_cluster() -> str:
    nodes = "".join(f"\nnode:\n\tip_port = 7777\n\tip_address = {address(name)}\n\tnumber = {HOSTS[name]}\n"
                    f"\tname = {name}\n\tcluster = lab\n" for name in XEN_HOSTS)
    return f"cluster:\n\tnode_count = {len(XEN_HOSTS)}\n\tname = lab\n{nodes}"


def files(public_key: str, private_key: str) -> Mapping[str, File]:
    """Give every file to write into the image, by its path in it."""
    names = "".join(f"{address(name)} {name}\n" for name in HOSTS)
    return {
        "etc/fstab": File("/dev/vda / ext4 defaults,noatime 0 1\n"),
        "etc/hosts": File(f"127.0.0.1 localhost\n{HUB} hub\n{names}"),
        "etc/default/o2cb": File(_O2CB),
        "etc/ocfs2/cluster.conf": File(_ocfs2_cluster()),
        "etc/modules-load.d/lab.conf": File("i6300esb\n"),
        "etc/systemd/system/lab-network.service": File(_NETWORK_UNIT),
        "etc/systemd/journald.conf.d/lab.conf": File("[Journal]\nStorage=persistent\nSyncIntervalSec=5s\n"),
        "root/.ssh/authorized_keys": File(public_key, 0o600),
        "root/.ssh/id_ed25519": File(private_key, 0o600),
        "root/.ssh/config": File(_SSH, 0o600),
        "usr/local/sbin/lab-network": File(_NETWORK, 0o755),
        f"usr/sbin/{FENCE_AGENT}": File(_FENCE, 0o755),
        "usr/local/bin/stanchion": File(_STANCHION, 0o755),
        "usr/local/lib/python3.11/dist-packages/stanchion.pth": File("/opt/stanchion\n"),
    }


def links() -> Mapping[str, str]:
    """Give every symbolic link of the image: its path, and where it points."""
    wanted = "etc/systemd/system/multi-user.target.wants"
    return {**{f"etc/systemd/system/{unit}": "/dev/null" for unit in MASKED},
            f"{wanted}/lab-network.service": "/etc/systemd/system/lab-network.service"}
