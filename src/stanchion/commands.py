"""The command ``stanchion``: all verbs that speak HTTP, and the few that need this host itself.

``init`` and ``join`` make a node's files, ``agent`` is the daemon, ``etcd run`` the store's member on this host,
``store move`` leaves the file of one machine for an etcd, ``lab`` makes pretend hosts out of processes, ``sim`` plays
them on virtual time. Their modules are imported only when they are asked for, so that the everyday verbs start at once.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from stanchion.cli import app
from stanchion.cli.app import HOST, TRY, place
from stanchion.cli.hosts import cert, etcd, store

SelfFenceWord = Literal["none", "supervisor", "watchdog"]
Flag = Annotated[bool, Parameter(negative="")]


def init(cluster: str, *, dir: Path | None = None, node: str | None = None,  # noqa: A002 - the option's name
         listen: str = "", profile: Literal["fast", "default", "tolerant"] = "default",
         self_fence: SelfFenceWord = "none", supervisor: Path | None = None,
         store: Path | None = None, etcd: str = "", address: str | None = None, peer_port: int | None = None,
         etcd_ports: str = "2379,2380", etcd_data: Path | None = None, join: Path | None = None,
         etcd_ca: Path | None = None, etcd_cert: Path | None = None, etcd_key: Path | None = None,
         etcd_user: str | None = None, etcd_password_file: Path | None = None) -> None:
    """Make this host the first node of a cluster: its settings, its token, and the store.

    Parameters
    ----------
    cluster
        The cluster's name.
    dir
        Where the files go. Default: /etc/stanchion for root, else ~/.config/stanchion.
    node
        The node's name. Default: this host's short name.
    listen
        HOST:PORT on which the node's API answers. Default: port 7423 of --address, else of 127.0.0.1.
    profile
        The cluster's timers; `stanchion explain-timing` derives them.
    self_fence
        What stops the node's machines when its agent cannot.
    supervisor
        The supervisor's socket, for --self-fence supervisor.
    store
        The file of an existing cluster's store, to join it on the same machine.
    etcd
        Keep the store in an etcd: `managed` makes one on the first three hosts, or its members as
        https://HOST:2379, separated by commas.
    address
        Where other hosts reach this one: a cluster of hosts, with an authority of its own and TLS.
    peer_port
        Port on which other agents are answered. Default: the API's and one.
    etcd_ports
        For --etcd managed: its ports for clients and for its peers.
    etcd_data
        For --etcd managed: where its data goes. Default: /var/lib/stanchion/etcd, or `etcd` in --dir.
    join
        Join a cluster in --etcd that has no authority of its own; a copy of its first node's token file.
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
    from stanchion.hosting import MANAGED
    from stanchion.model.cluster import SelfFence
    from stanchion.model.timing import Profile

    host, port = _address(listen or f"{_bracketed(address or '127.0.0.1')}:7423")
    managed = etcd.strip() == MANAGED
    config = founding.found(founding.Founding(
        cluster=cluster, directory=dir or founding.default_directory(), node=node or founding.default_node(),
        listen_host=host, listen_port=port, profile=Profile(profile), self_fence=SelfFence(self_fence),
        supervisor=supervisor, store=store, join=join, address=address, peer_port=peer_port or port + 1,
        managed=managed, etcd_ports=_ports(etcd_ports), etcd_data=etcd_data,
        etcd=() if managed else tuple(url.strip() for url in etcd.split(",") if url.strip()),
        etcd_ca=etcd_ca, etcd_cert=etcd_cert,
        etcd_key=etcd_key, etcd_user=etcd_user, etcd_password_file=etcd_password_file))
    sys.stdout.write(founding.told(config) + "\n")


def join(token: Annotated[str, Parameter(allow_leading_hyphen=True)], *, address: str,
         dir: Path | None = None, node: str | None = None,  # noqa: A002 - as above
         port: int = 7423, peer_port: int | None = None, witness: Flag = False, self_fence: SelfFenceWord = "none",
         supervisor: Path | None = None, etcd_ports: str = "2379,2380", etcd_data: Path | None = None,
         etcd_ca: Path | None = None, etcd_cert: Path | None = None, etcd_key: Path | None = None,
         etcd_user: str | None = None, etcd_password_file: Path | None = None) -> None:
    """Make this host a node of an existing cluster of hosts, with a token from `stanchion token create`.

    Parameters
    ----------
    token
        The join token, as it was printed; - reads it from standard input, out of sight of others.
    address
        Where other hosts reach this one.
    dir
        Where the files go. Default: /etc/stanchion for root, else ~/.config/stanchion.
    node
        The node's name. Default: this host's short name.
    port
        Port on which the node's API answers.
    peer_port
        Port on which other agents are answered. Default: the API's and one.
    witness
        Vote, see, be the master if need be; never hold a resource.
    self_fence
        What stops the node's machines when its agent cannot.
    supervisor
        The supervisor's socket, for --self-fence supervisor.
    etcd_ports
        Where this host gets a member of etcd: its ports for clients and for its peers.
    etcd_data
        Where its data goes. Default: /var/lib/stanchion/etcd, or `etcd` in --dir.
    etcd_ca
        Where the cluster uses an etcd of your own: certificate of the authority that signed its members'.
    etcd_cert
        Our certificate for such an etcd.
    etcd_key
        The key of --etcd-cert.
    etcd_user
        Our user in such an etcd.
    etcd_password_file
        File that holds the password of --etcd-user.

    """
    from stanchion import founding, joining
    from stanchion.model.cluster import SelfFence

    if token == "-":  # noqa: S105 - the sign for standard input
        token = sys.stdin.readline()
    told = joining.join(joining.Joining(
        token=token, directory=dir or founding.default_directory(), node=node or founding.default_node(),
        address=address, listen_port=port, peer_port=peer_port or port + 1, witness=witness,
        self_fence=SelfFence(self_fence), supervisor=supervisor, etcd_ports=_ports(etcd_ports), etcd_data=etcd_data,
        etcd_ca=etcd_ca, etcd_cert=etcd_cert, etcd_key=etcd_key, etcd_user=etcd_user,
        etcd_password_file=etcd_password_file))
    sys.stdout.write(told + "\n")


def agent(*, config: Path | None = None) -> None:
    """Run this node's agent, the daemon, until it is told to end.

    Parameters
    ----------
    config
        The node's settings. Default: agent.toml where `stanchion init` puts it.

    """
    from stanchion import founding, wiring
    from stanchion.config import load

    path = config or founding.default_directory() / "agent.toml"
    wiring.run_agent(load(path), path.absolute())


@etcd.command(name="run")
def run_etcd(*, dir: Path | None = None, replace: Flag = False) -> None:  # noqa: A002 - the option's name
    """Run this host's member of etcd, as `stanchion init` or `stanchion join` has set it up.

    Parameters
    ----------
    dir
        Where the node's files are. Default: where `stanchion init` puts them.
    replace
        Its data is lost: take the member that it was out, and begin anew with the data of the others.

    """
    from stanchion import founding, joining
    from stanchion.config import load
    from stanchion.drivers import etcd_server

    directory = (dir or founding.default_directory()).absolute()
    server, initial = etcd_server.load(directory), ""
    if not server.begun:
        agent = load(directory / "agent.toml")
        if replace or not server.begins_alone(agent.etcd):
            initial = joining.first_start(server, agent, _say, replace=replace)
    server.run(initial=initial)


@store.command(name="move")
def move_store(*, etcd: str, config: tuple[Path, ...] = (), address: str | None = None, peer_port: int | None = None,
               etcd_ports: str = "2379,2380", etcd_data: Path | None = None, etcd_ca: Path | None = None,
               etcd_cert: Path | None = None, etcd_key: Path | None = None, etcd_user: str | None = None,
               etcd_password_file: Path | None = None) -> None:
    """Move the store from its file to an etcd, with everything kept. Agents may run meanwhile; machines go on.

    Parameters
    ----------
    etcd
        `managed` makes an etcd, of which this host has the first member; or the members of one, separated by commas.
    config
        The settings of every agent that uses the file. Default: agent.toml where `stanchion init` puts it.
    address
        Where other hosts reach this one; from then on other hosts can join.
    peer_port
        Port on which other agents are answered. Default: the API's and one.
    etcd_ports
        For --etcd managed: its ports for clients and for its peers.
    etcd_data
        For --etcd managed: where its data goes. Default: /var/lib/stanchion/etcd, or `etcd` beside the settings.
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
    from stanchion import founding, moving
    from stanchion.hosting import MANAGED

    managed = etcd.strip() == MANAGED
    told = moving.move(moving.Moving(
        settings=config or (founding.default_directory() / "agent.toml",), address=address, peer_port=peer_port,
        etcd=() if managed else tuple(url.strip() for url in etcd.split(",") if url.strip()),
        etcd_ports=_ports(etcd_ports), etcd_data=etcd_data, etcd_ca=etcd_ca, etcd_cert=etcd_cert, etcd_key=etcd_key,
        etcd_user=etcd_user, etcd_password_file=etcd_password_file), _say)
    sys.stdout.write(told + "\n")


@cert.command
def show(*, dir: Path | None = None) -> None:  # noqa: A002 - the option's name
    """Look at this host's certificate: for whom it is, and until when.

    Parameters
    ----------
    dir
        Where the node's files are. Default: where `stanchion init` puts them.

    """
    from stanchion import founding, hosting

    sys.stdout.write(hosting.told_papers(dir or founding.default_directory()) + "\n")


@cert.command
def renew(*, dir: Path | None = None) -> None:  # noqa: A002 - the option's name
    """Have this host given a new certificate by any agent of its cluster; agents do it themselves a month before.

    Parameters
    ----------
    dir
        Where the node's files are. Default: where `stanchion init` puts them.

    """
    from stanchion import founding, joining

    sys.stdout.write(joining.renew((dir or founding.default_directory()).absolute()) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"stanchion: {text}\n")
    sys.stderr.flush()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _ports(text: str) -> tuple[int, int]:
    from stanchion.model.errors import InvalidInput

    first, _, second = text.partition(",")
    if not all(each.strip().isdecimal() and 0 < int(each) < 65536 for each in (first, second)):  # noqa: PLR2004
        raise InvalidInput(f"--etcd-ports {text} is not two ports, for example 2379,2380")
    return int(first), int(second)


def _address(text: str) -> tuple[str, int]:
    from stanchion.model.errors import InvalidInput

    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - the highest port
        raise InvalidInput(f"--listen {text} is not HOST:PORT, for example 127.0.0.1:7423")
    return host.strip("[]"), int(port)


place(HOST, init, join, agent, store, cert)
app.command("stanchion.lab.app:app", name="lab", group=TRY,
            help="Pretend hosts on this computer, without root: try a cluster, cut its power.")
app.command("stanchion.sim.app:app", name="sim", group=TRY,
            help="Pretend clusters on virtual time: hunt for a second copy, replay what was found.")
