"""The balance: what proposals cost on a large cluster, in processor time.

A hundred hosts of 512 GiB with ten thousand machines of 1 to 8 GiB and 1 to 4 processors, spread so that some hosts are
more than twice as full as others; a fifth of the machines (or none, or all) have three preferred nodes. The same
numbers give the same cluster. *All*: every proposal, up to the limit of 500. *First*: what the master asks for when it
evens the nodes out by itself. *At rest*: asked again, after all proposals took place again
and again, until none is left; a dash where that takes more than so many rounds.

    python bench/balance.py            # prints the table
"""

import argparse
import random
import time
from dataclasses import replace

from stanchion.model.capacity import Size
from stanchion.model.cluster import (
    Change,
    ClusterView,
    Live,
    Master,
    Node,
    Record,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.ids import BootId, LeaseId, Moment, NodeName, ResourceName, Revision, SessionId, TemplateName
from stanchion.model.naming import key_of
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec, Scripts
from stanchion.model.state import ResourceState, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.plan import balance

NOW = Moment(mono_s=0.0, wall_s=1_790_000_000.0)
HOST = Size(memory_mib=512 * 1024, cpus=96)
FILLED_MIB = 480 * 1024
MEMORY_MIB = (1024, 2048, 2048, 4096, 8192)
CPUS = (1, 2, 4)
ROUNDS_MAX = 8


def written(view: ClusterView, records: list[Record]) -> ClusterView:
    """Give the view after these records were written."""
    first = view.revision + 1
    changes = [Change(key_of(record), record, Revision(first + index)) for index, record in enumerate(records)]
    return view.apply(changes, Revision(first + len(records)))


def cluster(hosts: int, machines: int, wishing: float, seed: int = 1) -> ClusterView:
    """Make a cluster that is filled unevenly."""
    chance = random.Random(seed)  # noqa: S311 - the same numbers give the same cluster
    names = [NodeName(f"host{number:03}") for number in range(hosts)]
    records: list[Record] = [Settings(cluster="large")]
    for name in names:
        session = SessionId(f"{name}-1")
        records += [Node(name=name), Live(node=name, session=session), Session(
            node=name, id=session, boot=BootId(name), lease=LeaseId(name), self_fence=SelfFence.WATCHDOG,
            timing=TIMINGS[Profile.DEFAULT], capacity=HOST)]
    records.append(Master(node=names[0], session=SessionId(f"{names[0]}-1")))
    used = dict.fromkeys(names, 0)
    weights = [1 + (index % 10) / 6 for index in range(hosts)]
    for number in range(machines):
        size = Size(memory_mib=chance.choice(MEMORY_MIB), cpus=chance.choice(CPUS))
        node = chance.choices(names, weights)[0]
        while used[node] + size.memory_mib > FILLED_MIB:
            node = chance.choice(names)
        used[node] += size.memory_mib
        name = ResourceName(f"vm{number:05}")
        wished = tuple(chance.sample(names, 3)) if chance.random() < wishing else ()
        records += [
            ResourceSpec(name=name, template=TemplateName("QEMU"), scripts=Scripts(), live=True,
                         preferred=wished, size=size),
            ResourceState(name=name, state=State.RUNNING, reason=reason(Why.LOADED), node=node,
                          session=SessionId(f"{node}-1"))]
    return written(ClusterView(), records)


def moved(view: ClusterView, found: balance.Balance) -> ClusterView:
    """Give the view after all proposals took place."""
    after: dict[str, Record] = {}
    for each in found.proposals:
        for move in each.migrations:
            after[move.resource] = replace(view.states[move.resource].value, node=move.target,
                                           session=view.session_of(move.target))
    return written(view, list(after.values()))


def timed(view: ClusterView, most: int = balance.MOST_MOVES) -> tuple[float, balance.Balance]:
    """Ask for proposals, and give the seconds of processor time."""
    begin = time.process_time()
    found = balance.proposals(view, NOW, most=most)
    return time.process_time() - begin, found


def main() -> None:
    """Print one row for each share of machines that have preferred nodes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--hosts", type=int, default=100)
    asked.add_argument("--machines", type=int, default=10_000)
    given = asked.parse_args()
    print("| machines with preferred nodes | fullest and emptiest, before | moves until rest | "
          "fullest and emptiest, after |"
          " all, s | first, s | at rest, s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for wishing in (0.0, 0.2, 1.0):
        view = cluster(given.hosts, given.machines, wishing)
        _ = view.index
        first_s, _ = timed(view, most=1)
        all_s, found = timed(view)
        before, count, rest_s = found.now, 0, 0.0
        for _ in range(ROUNDS_MAX):
            if not found.proposals:
                break
            count += sum(len(each.migrations) for each in found.proposals)
            view = moved(view, found)
            _ = view.index
            rest_s, found = timed(view)
        print(f"| {wishing:.0%} | {before.highest:.0%}, {before.lowest:.0%} | {count} | {found.now.highest:.0%}, "
              f"{found.now.lowest:.0%} | {all_s:.2f} | {first_s:.2f} | "
              f"{'-' if found.proposals else f'{rest_s:.2f}'} |", flush=True)


if __name__ == "__main__":
    main()
