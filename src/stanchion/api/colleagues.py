"""Routes by which agents ask each other about their own hosts: files that a resource names, and the host's facts.

They stand at both doors: over the agents' door for certificates of the cluster's authority, and in the API for the
cluster's token and administrators, since agents that share one machine have no other. What is asked for is always a
*resource*: this agent looks up by its own view which files that are, so nobody can ask for any other file, or have one
written. A file's content is fetched by who needs it, from a node that stands in the store; it is never sent unasked.
"""

import base64
from typing import Annotated

import structlog
from fastapi import APIRouter, Query

from stanchion.api import finding
from stanchion.api.parameters import ResourceNamed
from stanchion.api.services import Here, Services
from stanchion.between import Colleagues, Files
from stanchion.model.cluster import ClusterView, Session
from stanchion.model.errors import HostError, InvalidInput, NoAnswer, NotFound, StanchionError
from stanchion.model.files import FileFact, HostFacts, Placed
from stanchion.model.ids import NodeName, ResourceName
from stanchion.plan import binding, preflight
from stanchion.plan import files as planned
from stanchion.wire import files as wire
from stanchion.wire.bounds import LONGEST_PATH

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/resources", tags=["resources"], include_in_schema=False)


@router.get("/{name}/files/here")
async def files_here(here: Here, name: ResourceNamed) -> wire.FilesHere:
    """Tell of the resource's configuration files on the answering node alone."""
    found = finding.resource(here.view(), name)
    return wire.FilesHere(node=here.node, files=tuple(map(wire.FactInfo.of, await looked(here, found))))


@router.get("/{name}/files/content")
async def content(here: Here, name: ResourceNamed,
                  path: Annotated[str, Query(max_length=LONGEST_PATH, description="one of the resource's files",
                                             examples=["/etc/xen/web.cfg"])]) -> wire.FileContent:
    """Give one of its configuration files, as it is on the answering node, for another agent."""
    view = here.view()
    found = finding.resource(view, name)
    if path not in planned.named(view, found):
        raise NotFound(f"{path} is none of the configuration files of {found}")
    copy = await files_of(here).read(path)
    return wire.FileContent(node=here.node, file=wire.FactInfo.of(copy.fact),
                            content=base64.b64encode(copy.content).decode("ascii"))


@router.post("/{name}/files/fetch")
async def fetch(here: Here, name: ResourceNamed, order: wire.FetchOrder) -> wire.Fetched:
    """Fetch the resource's configuration files to the answering node from another one; old versions are kept."""
    view = here.view()
    found, source = finding.resource(view, name), finding.node(view, order.source)
    if source == here.node:
        raise InvalidInput(f"{source} is asked to fetch from itself; name another node")
    placed = await fetched(here, found, source, dry=order.dry)
    return wire.Fetched(node=here.node, files=tuple(
        wire.PlacedInfo(path=each.path, changed=each.changed, kept=each.kept, fault=each.fault) for each in placed))


@router.get("/{name}/host")
async def host(here: Here, name: ResourceNamed) -> wire.HostInfo:
    """Tell what the answering node's host is like for the resource: processor, hypervisor, networks, storage."""
    of = await facts(here, finding.resource(here.view(), name))
    return wire.HostInfo(node=here.node, architecture=of.architecture, processor=of.processor, flags=of.flags,
                         hypervisor=of.hypervisor, networks=of.networks, bridges=of.bridges, storage=dict(of.storage))


async def looked(here: Services, name: ResourceName) -> tuple[FileFact, ...]:
    """Look at the resource's files on this host."""
    return await files_of(here).look(planned.named(here.view(), name))


async def facts(here: Services, name: ResourceName) -> HostFacts:
    """Find out what this host is like, and whether it reaches what its copy of the configuration names."""
    view, texts = here.view(), []
    spec = (binding.effective(view, name) or view.specs[name]).value
    for path in spec.files:
        try:
            texts.append((await files_of(here).read(path)).content.decode("utf-8", "replace"))
        except HostError:
            continue
    bridges, storage = preflight.needs(texts, spec)
    found = await files_of(here).facts(spec.machine.kind, storage)
    return HostFacts(architecture=found.architecture, processor=found.processor, flags=found.flags, bridges=bridges,
                     hypervisor=found.hypervisor, networks=found.networks, storage=found.storage)


async def fetched(here: Services, name: ResourceName, source: NodeName, *, dry: bool) -> tuple[Placed, ...]:
    """Fetch the resource's files to this host, one after the other; what fails is told of each."""
    placed = []
    at = session_of(here.view(), source)
    for path in planned.named(here.view(), name):
        try:
            copy = await colleagues_of(here).content(at, name, path)
        except StanchionError as problem:
            placed.append(Placed(path=path, fault=f"{source} does not give it: {problem}"))
            continue
        if copy.fact.path != path:
            placed.append(Placed(path=path, fault=f"{source} gives another file"))
            continue
        try:
            placed.append(await files_of(here).place(copy, dry=dry))
        except StanchionError as problem:
            placed.append(Placed(path=path, fault=str(problem)))
        if placed[-1].changed and not dry:
            log.info("a configuration file was written", resource=name, path=path, source=source, kept=placed[-1].kept)
    return tuple(placed)


def session_of(view: ClusterView, node: NodeName) -> Session:
    """Give how a node's agent is reached. Raises ``NoAnswer`` for one that is not in the cluster now."""
    held = view.sessions.get(node)
    if held is None or not view.is_live(node):
        raise NoAnswer(f"{node} is not in the cluster now")
    return held.value


def files_of(here: Services) -> Files:
    """Give the door to this host's files. Raises ``HostError`` where there is none."""
    if here.files is None:
        raise HostError(f"{here.node} does not tell of its files")
    return here.files


def colleagues_of(here: Services) -> Colleagues:
    """Give the way to other agents. Raises ``HostError`` where there is none."""
    if here.colleagues is None:
        raise HostError(f"{here.node} cannot ask other nodes")
    return here.colleagues
