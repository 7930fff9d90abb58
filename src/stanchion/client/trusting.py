"""Whom the client believes, and what it means when an agent and it do not believe each other."""

import ssl

from stanchion.client.connection import Connection
from stanchion.trust import contexts


def verified(connection: Connection) -> ssl.SSLContext | None:
    """Decide whom to believe; None: anybody, or there is no TLS.

    Raises ``HostError`` where a certificate's file is no good.
    """
    if connection.blind or not any(url.startswith("https:") for url in connection.urls):
        return None
    return contexts.client(connection.ca, connection.cert, connection.key)


def doubt(error: BaseException) -> str:
    """Say what a failure means if it is one of trust; empty: it is not."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return contexts.why_not_believed(cause)
        cause = cause.__cause__ or cause.__context__
    if "WRONG_VERSION_NUMBER" in str(error):
        return "it does not speak TLS: write http://, if it is an agent on one machine"
    return contexts.why_sent_away(str(error))
