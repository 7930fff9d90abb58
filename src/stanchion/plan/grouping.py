"""What is wrong with rules about where resources may be, judged before they are saved.

Rules hold without exception, so two that contradict each other would leave a resource down for ever, with nobody to
tell. Whatever can be seen at once is refused here, in a sentence that names both sides. What may well be meant, or may
heal by itself, is only said: a group that is broken just now, or more members than there are nodes.

Groups are judged with the preferred nodes of their members, whoever changes either (``api.ruling``, ``api.edits``).
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from stanchion.model.cluster import ClusterView
from stanchion.model.groups import Bond, Group
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import ResourceSpec
from stanchion.plan import together

GROUPS_MAX = 100

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,63}", re.ASCII)

Specs = Mapping[ResourceName, ResourceSpec]


def faults(groups: Sequence[Group], specs: Specs) -> tuple[str, ...]:
    """Give one clause for everything that forbids these groups, with the resources configured like this."""
    shape = [fault for group in groups for fault in _shape(group, specs)]
    names = [group.name.casefold() for group in groups]
    shape += [f"there are two groups {group.name}" for index, group in enumerate(groups)
              if group.name.casefold() in names[:index]]
    if len(groups) > GROUPS_MAX:
        shape.append(f"there can be {GROUPS_MAX} groups, not {len(groups)}")
    return tuple(shape) or tuple(dict.fromkeys((*_both(groups), *_nowhere(groups, specs), *_led(groups, specs))))


def _shape(group: Group, specs: Specs) -> Iterator[str]:
    if not _NAME.fullmatch(group.name):
        yield f"the group's name {group.name!r} is not possible: 1 to 63 letters, digits and . _ -"
    if len(group.members) < 2:  # noqa: PLR2004 - a pair is two
        yield f"the group {group.name} needs two members at least"
    for member, index in {member: index for index, member in enumerate(group.members)}.items():
        if member not in specs:
            yield f"there is no resource {member}, which the group {group.name} names"
        elif member in group.members[:index]:
            yield f"the group {group.name} names {member} twice"


def _both(groups: Sequence[Group]) -> Iterator[str]:
    """Two resources cannot be kept together and apart."""
    tying = [group for group in groups if group.bond is Bond.TOGETHER]
    for parting in (group for group in groups if group.bond is Bond.APART):
        for one, other in combinations(parting.members, 2):
            tied = together.joined(tying, one)
            if other in tied:
                ties = " and ".join(group.name for group in tying if set(group.members) & set(tied))
                yield f"{one} and {other} cannot be kept apart (group {parting.name}) and together (group {ties})"


def _nowhere(groups: Sequence[Group], specs: Specs) -> Iterator[str]:
    """The lists of preferred nodes must leave each group somewhere to be. An empty list leaves every node."""
    for group in groups:
        listed = {member: specs[member].preferred for member in group.members if specs[member].preferred}
        if group.bond is Bond.APART:
            short = _squeezed(listed)
            if short:
                yield (f"the group {group.name} keeps {_and(short)} apart, but their preferred nodes are only "
                       f"{_and(sorted({node for member in short for node in listed[member]}))}")
            masters = [member for member in group.members if specs[member].policies.follows_master]
            if len(masters) > 1:
                yield f"the group {group.name} keeps {_and(masters)} apart, but both follow the master"
    tying = [group for group in groups if group.bond is Bond.TOGETHER]
    for tied in dict.fromkeys(together.joined(tying, member) for group in tying for member in group.members):
        listed = {member: specs[member].preferred for member in tied if specs[member].preferred}
        if listed and not set.intersection(*map(set, listed.values())):
            yield f"{_and(tied)} are kept together, but no node is among the preferred nodes of all of them"


def _led(groups: Sequence[Group], specs: Specs) -> Iterator[str]:
    """Who follows the master cannot at the same time follow a leader that does not."""
    tying = [group for group in groups if group.bond is Bond.TOGETHER]
    for tied in dict.fromkeys(together.joined(tying, member) for group in tying for member in group.members):
        bound = [member for member in tied if specs[member].policies.follows_master]
        if bound and not specs[tied[0]].policies.follows_master:
            yield (f"{bound[0]} follows the master and is kept together with {tied[0]}, which does not: "
                   f"name {bound[0]} first in the group, so that it leads")


def _squeezed(listed: Mapping[ResourceName, Sequence[NodeName]]) -> tuple[ResourceName, ...]:
    """Name members whose lists have fewer nodes than members: they could never all run. Empty: each has its own."""
    seats: dict[NodeName, ResourceName] = {}

    def seat(member: ResourceName, asked: set[NodeName]) -> bool:
        for node in listed[member]:
            if node not in asked:
                asked.add(node)
                if node not in seats or seat(seats[node], asked):
                    seats[node] = member
                    return True
        return False

    for member in listed:
        asked: set[NodeName] = set()
        if not seat(member, asked):
            return tuple(other for other in listed if set(listed[other]) <= asked)
    return ()


def doubts(view: ClusterView, groups: Sequence[Group], nodes: Collection[NodeName]) -> tuple[str, ...]:
    """Say what may not be meant: a rule that does not hold just now, or that not all members can ever live by."""
    told = []
    for group in groups:
        there = {member: node for member in group.members if (node := together.place(view, member)) is not None}
        if group.bond is Bond.APART:
            if len(group.members) > len(nodes):
                told.append(f"the group {group.name} has {len(group.members)} members and there are {len(nodes)} "
                            "nodes, so not all of them can run at once")
            for node in sorted(set(there.values())):
                shared = [member for member in there if there[member] == node]
                if len(shared) > 1:
                    told.append(f"{_and(shared)} are on {node} now and stay there: the rule holds when one of them "
                                "starts or moves next")
        elif len(set(there.values())) > 1:
            told.append(f"{_and(list(there))} are on {_and(sorted(set(there.values())))} now: the others are moved to "
                        f"where {next(iter(there))} is")
    return tuple(told)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
