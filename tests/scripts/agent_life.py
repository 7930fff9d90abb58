"""One life of an agent, for tests to end by SIGKILL: it gives one order and prints the result."""

import asyncio
import json
import sys
from pathlib import Path

from script_benches import order, runner_in


async def live(directory: str, text: str, timeout_s: str) -> None:
    """Give the order and print how it ended."""
    run = await runner_in(Path(directory)).run(order(text, timeout_s=float(timeout_s)))
    sys.stdout.write(json.dumps([run.end, run.code]))


if __name__ == "__main__":
    asyncio.run(live(*sys.argv[1:]))
