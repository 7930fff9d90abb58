"""The words of the original that make no sense any more: each says why in one sentence, and names what does the job.

Nothing is done, and the exit code says so: a script that relies on one of them must not go on as if it had worked.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

from cyclopts import App, Group, Parameter

from stanchion.model.errors import StanchionError

GROUP = Group("Words of the original that only say what to use now", sort_key=90)

_BCC = ("there are no peer clusters here: Business Continuity Clustering is not part of it; "
        "`stanchion export` and `stanchion import` take resources from one cluster to another")

GONE: Mapping[str, tuple[str, str]] = {
    "exec": (
        "Run a shell command on every member.",
        ("a command that any holder of the cluster's token could run as root on every host is a hazard that a cluster "
         "manager must not be; use ssh or ansible, with the nodes that `cluster view` names")),
    "convert": (
        "Finish a conversion from NetWare.",
        ("there is nothing to convert: no NetWare node was ever here; `stanchion import --dry-run PATH` shows what is "
         "taken over from an NCS cluster")),
    "pools": (
        "List the shared NSS pools.",
        ("there are no NSS pools here: the load script of a resource mounts what it needs, as in the template "
         "Generic_FS; `cluster resources` lists the resources")),
    "monitor": (
        "Watch the eDirectory daemon of a node.",
        ("there is no eDirectory daemon to watch: the agent watches its node, and each resource has a monitor script, "
         "switched on by `stanchion resource edit RESOURCE --monitoring`")),
    **dict.fromkeys(("cleanup", "connections", "credentials", "disable", "enable", "refresh", "resetresources"), (
        "Work with peer clusters (Business Continuity Clustering).", _BCC)),
}
"""Each word with what it did in the original, and what there is to say about it now."""


def register(app: App) -> None:
    """Give the application these words; whatever follows them is read and ignored."""
    for word, (did, now) in GONE.items():
        app.command(_refuser(word, did, now), name=word, group=GROUP, show=now is not _BCC)


def _refuser(word: str, did: str, now: str) -> Callable[..., None]:
    def refuse(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
        del words
        raise StanchionError(f"nothing was done by `cluster {word}`: {now}")

    refuse.__doc__ = f"{did} Not here.\n\nNothing is done: {now}.\n\nParameters\n----------\nwords\n    Ignored."
    return refuse
