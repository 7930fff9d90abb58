"""Routes for a resource's configuration files on every host, and for what is checked before a live migration.

All nodes are asked at once, each for a few seconds at most; one that does not answer is told as such, and costs nothing
but its own row.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query

from stanchion.api import colleagues, finding
from stanchion.api.parameters import ResourceNamed
from stanchion.api.services import By, Here, Services
from stanchion.model.errors import InvalidInput, NotNow, StanchionError
from stanchion.model.files import FileFact, HostFacts, Placed, Standing
from stanchion.model.ids import NodeName, ResourceName
from stanchion.plan import files as planned
from stanchion.plan import preflight as judging
from stanchion.wire import files as wire
from stanchion.wire.bounds import LONGEST_NAME
from stanchion.wire.replies import instant

router = APIRouter(prefix="/resources", tags=["resources"])

Told = TypeVar("Told")


@router.get("/{name}/files")
async def files(here: Here, name: ResourceNamed) -> wire.FileReport:
    """Tell whether its configuration files are the same on every node that is to hold it: content, owner and mode."""
    view = here.view()
    found = finding.resource(view, name)
    nodes = planned.concerned(view, found)
    rows = await _compared(here, found, nodes)
    return wire.FileReport(
        resource=found, nodes=nodes, same=all(row.standing is Standing.SAME for row in rows),
        text=_summary(found, nodes, rows), files=tuple(_told(row) for row in rows))


@router.post("/{name}/distribute")
async def distribute(here: Here, by: By, name: ResourceNamed,
                     order: wire.DistributeOrder | None = None) -> wire.DistributeReport:
    """Copy its configuration files from one node to others, by their agents. Old versions are kept beside them."""
    del by  # the audit says who; a copy that changes no machine is no event of the cluster
    order = order or wire.DistributeOrder()
    view = here.view()
    found = finding.resource(view, name)
    if not planned.named(view, found):
        raise NotNow(f"{found} names no configuration files; name them: "
                     f"stanchion resource edit {found} --config-file FILE")
    nodes = planned.concerned(view, found)
    source = finding.node(view, order.source) if order.source else next(iter(nodes), None)
    if source is None:
        raise NotNow(f"{found} has no node to copy from; name one")
    targets = tuple(finding.node(view, each) for each in order.targets) or tuple(
        node for node in nodes if node != source)
    if source in targets:
        raise InvalidInput(f"{source} is where the files come from; it cannot be a target too")
    results = await asyncio.gather(*(_sent(here, found, source, node, dry=order.dry) for node in targets))
    told = tuple(_placed(node, each, dry=order.dry)
                 for node, placed in zip(targets, results, strict=True) for each in placed)
    return wire.DistributeReport(resource=found, source=source, dry=order.dry, results=told,
                                 done=all(each.outcome != "failed" for each in told))


@router.get("/{name}/preflight")
async def preflight(here: Here, name: ResourceNamed,
                    node: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME, description="where to",
                                               examples=["node2"])]) -> wire.Preflight:
    """Tell whether a live migration to a node would do well; nothing is changed, and nothing but the files refuses."""
    view = here.view()
    found, target = finding.resource(view, name), finding.node(view, node)
    source = planned.current(view, found) or next(
        (each for each in planned.concerned(view, found) if each != target), None)
    if source is None or source == target:
        raise InvalidInput(f"{found} is on {target} already, or has no other node; name another one")
    rows, there, to = await asyncio.gather(
        _compared(here, found, (source, target)), _facts(here, found, source), _facts(here, found, target))
    checks = judging.judge(view.specs[found].value, (source, target), (there, to), rows)
    return wire.Preflight(resource=found, source=source, target=target, verdict=judging.worst(checks), checks=tuple(
        wire.CheckInfo(check=check.of, verdict=check.verdict, text=check.text) for check in checks))


async def _compared(here: Services, name: ResourceName, nodes: Sequence[NodeName]) -> tuple[planned.Compared, ...]:
    paths = planned.named(here.view(), name)
    if not paths:
        return ()
    told = await asyncio.gather(*(_files(here, name, node) for node in nodes))
    return planned.compare(paths, nodes, dict(zip(nodes, told, strict=True)))


async def _files(here: Services, name: ResourceName, node: NodeName) -> tuple[FileFact, ...] | str:
    async def asked() -> tuple[FileFact, ...]:
        if node == here.node:
            return await colleagues.looked(here, name)
        return await colleagues.colleagues_of(here).files(colleagues.session_of(here.view(), node), name)

    return await _or_why(asked())


async def _facts(here: Services, name: ResourceName, node: NodeName) -> HostFacts | str:
    async def asked() -> HostFacts:
        if node == here.node:
            return await colleagues.facts(here, name)
        return await colleagues.colleagues_of(here).facts(colleagues.session_of(here.view(), node), name)

    return await _or_why(asked())


async def _or_why(asked: Awaitable[Told]) -> Told | str:
    try:
        return await asked
    except StanchionError as problem:
        return str(problem)


async def _sent(here: Services, name: ResourceName, source: NodeName, node: NodeName, *,
                dry: bool) -> tuple[Placed, ...]:
    try:
        if node == here.node:
            return await colleagues.fetched(here, name, source, dry=dry)
        view = here.view()
        return await colleagues.colleagues_of(here).fetch(
            colleagues.session_of(view, node), name, colleagues.session_of(view, source), dry=dry)
    except StanchionError as problem:
        return tuple(Placed(path=path, fault=str(problem)) for path in planned.named(here.view(), name))


def _placed(node: NodeName, of: Placed, *, dry: bool) -> wire.DistributedInfo:
    if of.fault:
        return wire.DistributedInfo(node=node, path=of.path, outcome="failed",
                                    text=f"{of.path} on {node} is as it was: {of.fault}")
    if not of.changed:
        return wire.DistributedInfo(node=node, path=of.path, outcome="same",
                                    text=f"{of.path} on {node} is the same already")
    if dry:
        return wire.DistributedInfo(node=node, path=of.path, outcome="would be written",
                                    text=f"{of.path} would be written on {node}")
    kept = f"; the old one is {of.kept}" if of.kept else ", where there was none"
    return wire.DistributedInfo(node=node, path=of.path, outcome="written", kept=of.kept,
                                text=f"{of.path} is written on {node}{kept}")


def _told(row: planned.Compared) -> wire.FileInfo:
    fact = row.fact
    if not fact.digest:
        return wire.FileInfo(node=row.node, path=row.path, standing=row.standing, text=row.text)
    return wire.FileInfo(node=row.node, path=row.path, standing=row.standing, text=row.text, size=fact.size,
                         sha256=fact.sha256, owner=fact.owner, mode=f"{fact.mode:04o}",
                         modified_at=instant(fact.modified_s))


def _summary(name: ResourceName, nodes: Sequence[NodeName], rows: Sequence[planned.Compared]) -> str:
    if not rows:
        return f"{name} names no configuration files"
    wrong = sum(row.standing is not Standing.SAME for row in rows)
    where = ", ".join(nodes)
    if not wrong:
        return f"the configuration files of {name} are the same on {where}"
    return (f"{wrong} of {len(rows)} files of {name} on {where} are not as they should be; "
            f"to copy them: stanchion resource distribute {name}")
