"""Whether a live migration to a host would do well: what two hosts told of themselves, put side by side.

A check is *refused* only where the migration would surely fail; what often goes well is *doubtful* and only warns; what
nobody could tell is *unknown*. These checks advise people: the move itself is refused by the files alone (``moving``),
and by what its scripts find.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from stanchion.model.files import Check, HostFacts, Standing, Verdict
from stanchion.model.ids import NodeName
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.plan.case import has
from stanchion.plan.files import Compared

MOST_FLAGS = 8
"""So many missing flags of a processor are named; more say no more."""

WORST = (Verdict.REFUSED, Verdict.DOUBTFUL, Verdict.UNKNOWN, Verdict.WELL)

BRIDGES = (re.compile(r"\bbridge\s*=\s*['\"]?([\w.:-]+)"), re.compile(r"\bbr=([\w.:-]+)"))
"""How configurations name a bridge: Xen's ``bridge=xenbr0``, libvirt's ``bridge='br0'``, QEMU's ``br=br0``."""

STORAGE = (re.compile(r"\b(?:phy|file|aio|qcow2?|raw|tap:\w+):(/[\w./+:@%-]+)"),
           re.compile(r"\b(?:file|dev|target)\s*=\s*['\"]?(/[\w./+:@%-]+)"))
"""How they name storage: ``phy:/dev/vg/x``, ``<source file='/x'>``, ``file=/x``."""


def needs(texts: Iterable[str], spec: ResourceSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the bridges and the paths of storage that a machine's configuration names, and its form's answers."""
    bridges, storage = [], []
    for text in texts:
        kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        bridges += [found for pattern in BRIDGES for found in pattern.findall(kept)]
        storage += [found for pattern in STORAGE for found in pattern.findall(kept)]
    for name, value in spec.parameters.items():
        if value and "BRIDGE" in name:
            bridges.append(value)
        elif value.startswith("/") and value not in spec.files:
            storage.append(value)
    return tuple(dict.fromkeys(bridges)), tuple(dict.fromkeys(storage))


def judge(spec: ResourceSpec, names: tuple[NodeName, NodeName], facts: tuple[HostFacts | str, HostFacts | str],
          files: Sequence[Compared]) -> tuple[Check, ...]:
    """Judge a live migration between two nodes, by what each told of itself (or why it could not be asked)."""
    source, target = names
    checks = [_scripts(spec), _files(files, target)]
    for node, told in zip(names, facts, strict=True):
        if isinstance(told, str):
            return (*checks, Check("host", Verdict.UNKNOWN, f"{node} cannot be asked what it is like: {told}"))
    there, here = facts
    assert isinstance(there, HostFacts)
    assert isinstance(here, HostFacts)
    return (*checks, _processor(source, there, target, here), _hypervisor(spec, source, there, target, here),
            _bridges(source, there, target, here), _storage(spec, there, target, here))


def worst(checks: Iterable[Check]) -> Verdict:
    """Give what all of them come to."""
    return min((check.verdict for check in checks), key=WORST.index, default=Verdict.UNKNOWN)


def _scripts(spec: ResourceSpec) -> Check:
    if not spec.live:
        return Check("scripts", Verdict.REFUSED, f"the scripts of {spec.name} cannot move a running machine: it would "
                     "be unloaded and loaded")
    return Check("scripts", Verdict.WELL, "its scripts can move a running machine")


def _files(files: Sequence[Compared], target: NodeName) -> Check:
    wrong = [each for each in files if each.standing is not Standing.SAME]
    if not files:
        return Check("files", Verdict.WELL, "it names no configuration files that would have to be the same")
    if not wrong:
        return Check("files", Verdict.WELL, f"its configuration files are the same on {target}")
    text = "; ".join(each.text for each in wrong)
    if all(each.standing is Standing.UNASKED for each in wrong):
        return Check("files", Verdict.UNKNOWN, f"{text}; as long as that is so, the move is refused")
    digests = {each.path: {one.fact.digest for one in files if one.path == each.path} for each in wrong}
    same = all(each.standing is Standing.DIFFERS and len(digests[each.path]) == 1 for each in wrong)
    return Check("files", Verdict.DOUBTFUL if same else Verdict.REFUSED, text)


def _processor(source: NodeName, there: HostFacts, target: NodeName, here: HostFacts) -> Check:
    if there.architecture and here.architecture and there.architecture != here.architecture:
        return Check("processor", Verdict.REFUSED, f"{source} is {there.architecture}, {target} is {here.architecture}")
    if not there.flags or not here.flags:
        return Check("processor", Verdict.UNKNOWN, f"{target if there.flags else source} does not tell what its "
                     "processor can do")
    lacks = sorted(set(there.flags) - set(here.flags))
    if lacks:
        more = f" and {len(lacks) - MOST_FLAGS} more" if len(lacks) > MOST_FLAGS else ""
        return Check("processor", Verdict.DOUBTFUL, f"the processor of {target} lacks {', '.join(lacks[:MOST_FLAGS])}"
                     f"{more}, which a machine with its host's whole processor may use")
    if there.processor != here.processor:
        return Check("processor", Verdict.WELL, f"{target} can do all that {source} can, with another processor "
                     f"({here.processor or 'it does not say which'})")
    return Check("processor", Verdict.WELL, f"both have the same processor ({here.processor or here.architecture})")


def _hypervisor(spec: ResourceSpec, source: NodeName, there: HostFacts, target: NodeName, here: HostFacts) -> Check:
    kind = spec.machine.kind
    if kind is MachineKind.SCRIPT:
        return Check("hypervisor", Verdict.UNKNOWN, "which hypervisor it needs only its scripts know")
    if not here.hypervisor or not there.hypervisor:
        return Check("hypervisor", Verdict.UNKNOWN, f"{target if there.hypervisor else source} does not tell its "
                     f"version of {kind}")
    if _numbers(here.hypervisor) < _numbers(there.hypervisor):
        return Check("hypervisor", Verdict.DOUBTFUL, f"{kind} is {here.hypervisor} on {target} and newer on {source} "
                     f"({there.hypervisor}); machines move to the same or a newer one")
    return Check("hypervisor", Verdict.WELL, f"{kind} is {here.hypervisor} on {target}, {there.hypervisor} on {source}")


def _bridges(source: NodeName, there: HostFacts, target: NodeName, here: HostFacts) -> Check:
    if not there.bridges:
        return Check("bridges", Verdict.WELL, f"its configuration on {source} names no bridge")
    if not here.networks:
        return Check("bridges", Verdict.UNKNOWN, f"{target} does not tell its networks")
    lacks = [bridge for bridge in there.bridges if bridge not in here.networks]
    if lacks:
        return Check("bridges", Verdict.REFUSED, f"{target} has no {' and no '.join(lacks)}, which its configuration "
                     "names")
    return Check("bridges", Verdict.WELL, f"{', '.join(there.bridges)} is there on {target} too")


def _storage(spec: ResourceSpec, there: HostFacts, target: NodeName, here: HostFacts) -> Check:
    if not there.storage:
        return Check("storage", Verdict.WELL, "its configuration names no storage by a path")
    told: Mapping[str, str] = here.storage
    gone = [f"{path} ({told[path]})" for path in there.storage if told.get(path)]
    silent = [path for path in there.storage if path not in told]
    if gone and (has(spec.scripts.prepare) or any(path.startswith("/dev/") for path in gone)):
        return Check("storage", Verdict.DOUBTFUL, f"{target} does not reach {', '.join(gone)} now; it must be there "
                     "by the time the machine comes")
    if gone:
        return Check("storage", Verdict.REFUSED, f"{target} does not reach {', '.join(gone)}")
    if silent:
        return Check("storage", Verdict.UNKNOWN, f"{target} does not tell of {', '.join(silent)}: its copy of the "
                     "configuration does not name it")
    return Check("storage", Verdict.WELL, f"{target} reaches {', '.join(there.storage)}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
