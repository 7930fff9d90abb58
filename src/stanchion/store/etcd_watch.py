"""One watch on one stream to one member, which notices when it goes deaf.

A watch that falls silent while the cluster moves on is the most dangerous failure of a store, because nothing tells it
from a quiet day. So the stream is asked for a sign of life whenever it was quiet for ``PROBE_S``; a member that owes
one for ``SILENCE_S`` (it hangs, it is cut off, the connection is half open) is given up. ``hasleader`` makes etcd end
the stream of a member that lost its leader.

However a stream ends, the watch ends: with ``Gap``, for which the caller takes a new snapshot. Resuming would save a
snapshot now and then, and would be a second way of being right about gaps.

*The first revision is asked for once more than needed*: the stream begins at the revision that the caller has seen
already, and the caller drops what he knows. A deletion that stands exactly at the revision up to which etcd compacted
is missing from streams that begin there (etcd issues 18089 and 19179), so we never begin at a revision that we need.

Signs of life prove only that the member is alive. In etcd before 3.4.25 and 3.5.8 their revision may run ahead of
events that were not delivered yet (issue 15220), so nothing is ever concluded from it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from grpclib.client import Stream
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_wire import Line

PROBE_S = 1.0
SILENCE_S = 3.0

_Watch = Stream[pb.WatchRequest, pb.WatchResponse]


class Gap(Exception):
    """The stream ended, or may have missed something; the text says why."""


async def responses(line: Line, words: Mapping[str, str], key: bytes, range_end: bytes,
                    after: int) -> AsyncGenerator[pb.WatchResponse, None]:
    """Deliver what the member says of the range beyond ``after``, and of ``after`` itself. Ends with ``Gap`` only."""
    try:
        async with line.watch.Watch.open(metadata=dict(words)) as stream:
            await stream.send_message(pb.WatchRequest(create_request=pb.WatchCreateRequest(
                key=key, range_end=range_end, start_revision=max(after, 1), progress_notify=True)))
            async with aclosing(_heard(stream)) as heard:
                async for response in heard:
                    yield response
    except GRPCError as fault:
        raise Gap(fault.message or fault.status.name) from None
    except (StreamTerminatedError, ProtocolError, OSError, AttributeError):
        raise Gap("the connection broke") from None  # AttributeError: grpclib's, when it broke under a call


async def _heard(stream: _Watch) -> AsyncGenerator[pb.WatchResponse, None]:
    """Receive, and ask for a sign of life where nothing comes."""
    while True:
        # A task of its own, because a receiving that is cancelled midway would lose half a message.
        receiving = asyncio.ensure_future(stream.recv_message())
        receiving.add_done_callback(_noted)
        try:
            for _ in range(round(SILENCE_S / PROBE_S)):
                if (await asyncio.wait({receiving}, timeout=PROBE_S))[0]:
                    break
                async with asyncio.timeout(PROBE_S):
                    await stream.send_message(pb.WatchRequest(progress_request=pb.WatchProgressRequest()))
            else:
                raise Gap(f"no sign of life for {SILENCE_S:g} s")
        except TimeoutError:
            raise Gap("the connection takes nothing any more") from None
        finally:
            receiving.cancel()
        response = receiving.result()
        if response is None:
            raise Gap("the member ended the stream")
        yield response


def _noted(received: asyncio.Future[pb.WatchResponse | None]) -> None:
    """Note how a receiving ended, also where nobody waits for it any more."""
    if not received.cancelled():
        received.exception()
