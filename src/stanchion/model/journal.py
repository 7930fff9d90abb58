"""What an agent writes down on its own host, so that its next life knows which session was its own."""

from dataclasses import dataclass

from stanchion.model.ids import BootId, LeaseId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What the agent must remember across its own restart: the session that it opens, and the one before it.

    It is written before the session is opened; as long as that has not come about, ``former`` is the one that stands.
    ``promised_s`` is the length of the longest promise that the agent may have given (``agent.promises``), 0 if none.
    """

    session: SessionId
    lease: LeaseId
    boot: BootId
    renewed_at: float
    former: SessionId | None = None
    promised_s: float = 0.0

    def knows(self, session: SessionId) -> bool:
        """Whether that session was this very host's."""
        return session in {self.session, self.former}
