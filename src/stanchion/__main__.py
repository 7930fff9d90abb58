"""The command ``stanchion``: all verbs that speak HTTP, and the few that need this host itself.

``init`` makes a node's files, ``agent`` is the daemon, ``lab`` makes pretend hosts out of processes, ``sim`` plays them
on virtual time. Their modules are imported only when they are asked for, so that the everyday verbs start at once.
"""

import sys
from pathlib import Path
from typing import Literal

from stanchion.cli import app, run


@app.command
def init(cluster: str, *, dir: Path | None = None, node: str | None = None,  # noqa: A002 - the option's name
         listen: str = "127.0.0.1:7423",
         profile: Literal["fast", "default", "tolerant"] = "default",
         self_fence: Literal["none", "supervisor", "watchdog"] = "none", supervisor: Path | None = None,
         store: Path | None = None, etcd: str = "", join: Path | None = None, etcd_ca: Path | None = None,
         etcd_cert: Path | None = None, etcd_key: Path | None = None, etcd_user: str | None = None,
         etcd_password_file: Path | None = None) -> None:
    """Make this host a node: its settings, its token and its place in the store.

    Parameters
    ----------
    cluster
        The cluster's name.
    dir
        Where the files go. Default: /etc/stanchion for root, else ~/.config/stanchion.
    node
        The node's name. Default: this host's short name.
    listen
        HOST:PORT on which the node's API answers.
    profile
        The cluster's timers; `stanchion explain-timing` derives them.
    self_fence
        What stops the node's machines when its agent cannot.
    supervisor
        The supervisor's socket, for --self-fence supervisor.
    store
        The file of an existing cluster's store, to join it. Without --store and --join a new cluster is made.
    etcd
        Keep the store in this etcd instead of a file: its members as https://HOST:2379, separated by commas.
    join
        Join the cluster that is in --etcd already; a copy of its first node's token file.
    etcd_ca
        Certificate of the authority that signed the members' certificates.
    etcd_cert
        Our certificate for etcd, where it asks for one.
    etcd_key
        The key of --etcd-cert.
    etcd_user
        Our user in etcd, where it has users.
    etcd_password_file
        File that holds the password of --etcd-user.

    """
    from stanchion import founding
    from stanchion.model.cluster import SelfFence
    from stanchion.model.timing import Profile

    host, port = _address(listen)
    config = founding.found(founding.Founding(
        cluster=cluster, directory=dir or founding.default_directory(), node=node or founding.default_node(),
        listen_host=host, listen_port=port, profile=Profile(profile), self_fence=SelfFence(self_fence),
        supervisor=supervisor, store=store, join=join,
        etcd=tuple(url.strip() for url in etcd.split(",") if url.strip()), etcd_ca=etcd_ca, etcd_cert=etcd_cert,
        etcd_key=etcd_key, etcd_user=etcd_user, etcd_password_file=etcd_password_file))
    sys.stdout.write(founding.told(config) + "\n")


@app.command
def agent(*, config: Path | None = None) -> None:
    """Run this node's agent, the daemon, until it is told to end.

    Parameters
    ----------
    config
        The node's settings. Default: agent.toml where `stanchion init` puts it.

    """
    from stanchion import founding, wiring
    from stanchion.config import load

    wiring.run_agent(load(config or founding.default_directory() / "agent.toml"))


def _address(text: str) -> tuple[str, int]:
    from stanchion.model.errors import InvalidInput

    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - the highest port
        raise InvalidInput(f"--listen {text} is not HOST:PORT, for example 127.0.0.1:7423")
    return host.strip("[]"), int(port)


app.command("stanchion.lab.app:app", name="lab")
app.command("stanchion.sim.app:app", name="sim")


def main() -> None:
    """Run the command line and end with its exit code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
