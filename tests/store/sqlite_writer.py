"""A process that writes into a store for ever, and says after each transaction that it is committed.

Every transaction writes three nodes with the same number and one line of history, so that half a transaction would
show. Arguments: the path of the store, this writer's name.
"""

import asyncio
import sys
from pathlib import Path

from stanchion.model.cluster import Node
from stanchion.model.history import Entry
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Committed, Put, Transaction
from stanchion.store.sqlite import SqliteStore


async def main(path: Path, name: str) -> None:
    """Write until killed."""
    store = SqliteStore(path, busy_s=15.0)
    number = 0
    while True:
        number += 1
        puts = tuple(Put(Node(name=NodeName(f"{name}-{part}"), added_at_s=number)) for part in "xyz")
        answer = await store.commit(Transaction(
            puts=puts, history=(Entry(at_s=number, reason=reason(Why.CREATED), cause=name),)))
        assert isinstance(answer, Committed)
        sys.stdout.write(f"{number} {answer.revision}\n")
        sys.stdout.flush()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
