"""Routes for the heartbeat statistics of the answering node: look, and count anew."""

from dataclasses import asdict

from fastapi import APIRouter, status

from stanchion.api.services import Here
from stanchion.wire import replies
from stanchion.wire.statistics import CallsInfo, StatisticsInfo, VoiceInfo

router = APIRouter(prefix="/stats", tags=["cluster"])


@router.get("")
async def stats(here: Here) -> StatisticsInfo:
    """Tell how well the answering node hears the others and reaches the store. Each node counts for itself."""
    told = here.statistics()
    return StatisticsInfo(
        node=here.node, since=replies.instant(told.since_s), calls=CallsInfo(**asdict(told.calls)),
        voices=tuple(VoiceInfo(**asdict(voice)) for voice in told.voices))


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def clear_stats(here: Here) -> None:
    """Let the answering node count anew."""
    here.clear_statistics()
