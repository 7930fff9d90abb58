"""The two ends of a TLS connection, and a plain sentence for each way in which a handshake fails.

Contexts are made anew for every connection, from the files as they stand: a certificate that was renewed and a
revocation that came in count at once, without a restart. What a failed handshake means is read from OpenSSL's error:
at the end that refuses from the verification's number, at the end that is refused from the alert that it was sent.
"""

import ssl
from pathlib import Path

from stanchion.model.errors import HostError

_EXPIRED, _NOT_YET, _REVOKED, _WRONG_NAME = 10, 9, 23, frozenset({62, 63, 64})
"""Numbers of OpenSSL's verification errors."""

_ALERTS = {
    "CERTIFICATE_REQUIRED": "it asks for a certificate, and we showed none: name the node's own",
    "HANDSHAKE_FAILURE": "it asks for a certificate, and we showed none: name the node's own",
    "CERTIFICATE_EXPIRED": "it does not accept our certificate, which has expired: renew it "
                           "(`stanchion cert renew`)",
    "CERTIFICATE_REVOKED": "it does not accept our certificate, which was revoked when this node was removed: "
                           "join anew (`stanchion join`)",
    "UNKNOWN_CA": "it does not accept our certificate, which is another authority's: this node is of another cluster",
    "BAD_CERTIFICATE": "it does not accept our certificate: it may be not valid yet (compare the clocks), or damaged",
}
"""What it means to be sent an alert; the names are OpenSSL's, without what stands before them."""


class _Handshake(ssl.SSLObject):
    """A connection whose context keeps the alert of a handshake that failed."""

    def do_handshake(self) -> None:
        """Go on with the handshake, as ever."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            context = self.context
            if isinstance(context, ServerContext) and context.outgoing is not None:
                context.last_words = context.outgoing.read()
            raise


class ServerContext(ssl.SSLContext):
    """The end that listens, for one connection.

    asyncio drops the alert that tells a client why it is refused; here it can be had, as ``last_words``.
    """

    sslobject_class = _Handshake
    outgoing: ssl.MemoryBIO | None = None
    last_words: bytes = b""

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO,
                 server_side: bool = False,  # noqa: FBT001, FBT002 - as in the base
                 server_hostname: str | bytes | None = None, session: ssl.SSLSession | None = None) -> ssl.SSLObject:
        """Wrap the connection, as ever."""
        self.outgoing = outgoing
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def server(cert: Path, key: Path, *, ca: Path | None = None, revoked: Path | None = None) -> ServerContext:
    """Make the end that listens, for one connection; with ``ca`` only for clients that this authority vouches for.

    Raises ``HostError`` where a file is missing or no good.
    """
    made = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(made, cert, key)
    if ca is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        _trust(made, ca)
        if revoked is not None and revoked.exists():
            _trust(made, revoked)
            made.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return made


def client(ca: Path | None, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Make the end that calls: it believes the authority in ``ca``, or those that this host trusts.

    Raises ``HostError`` where a file is missing or no good.
    """
    made = ssl.create_default_context() if ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        _trust(made, ca)
    if cert is not None and key is not None:
        _load(made, cert, key)
    return made


def believing(authority: str) -> ssl.SSLContext:
    """Make the end that calls: it believes the authority whose certificate this is, in PEM; empty: as this host does.

    Raises ``HostError`` where it is none.
    """
    made = client(None)
    if authority:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_verify_locations(cadata=authority)
        except (ssl.SSLError, ValueError) as fault:
            raise HostError("the certificate of its authority is not one in PEM") from fault
    return made


def why_refused(fault: Exception) -> str:
    """Say at the end that listens why a client was refused."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return {
            _EXPIRED: "its certificate has expired",
            _NOT_YET: "its certificate is not valid yet: compare the clocks",
            _REVOKED: "its certificate was revoked: its node was removed from the cluster",
        }.get(fault.verify_code, f"its certificate is not signed by this cluster's authority ({fault.verify_message})")
    reason = (fault.reason if isinstance(fault, ssl.SSLError) else None) or ""
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "it showed no certificate"
    if reason == "HTTP_REQUEST":
        return "it speaks plain HTTP: its address must begin with https://"
    alert = _alert(reason)
    if alert == "UNKNOWN_CA":
        return "it does not know our authority: it lacks this cluster's ca.crt, or has another cluster's"
    if alert:
        return f"it refused our certificate ({alert.lower().replace('_', ' ')})"
    return f"it does not speak TLS as we do ({reason.lower().replace('_', ' ') or fault})"


def why_not_believed(fault: ssl.SSLCertVerificationError) -> str:
    """Say at the end that calls why a server is not believed."""
    if fault.verify_code == _EXPIRED:
        return "its certificate has expired: renew it there (`stanchion cert renew`)"
    if fault.verify_code == _NOT_YET:
        return "its certificate is not valid yet: compare the clocks"
    if fault.verify_code in _WRONG_NAME:
        return f"its certificate is for another address ({fault.verify_message}): use an address that it names"
    return ("its certificate is not signed by the authority that we know: name the cluster's ca.crt, or this is "
            f"another cluster ({fault.verify_message})")


def why_sent_away(words: str) -> str:
    """Say at the end that calls what the alert in an error's text means; empty: there is none that we know."""
    upper = words.upper().replace(" ", "_")
    return next((told for alert, told in _ALERTS.items() if f"ALERT_{alert}" in upper), "")


def _alert(reason: str) -> str:
    return reason.partition("_ALERT_")[2]


def _load(made: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        made.load_cert_chain(cert, key)
    except ssl.SSLError as fault:
        raise HostError(f"{cert} and {key} are not a certificate and its key in PEM ({fault.reason})") from fault
    except OSError as fault:
        missing = next((path for path in (cert, key) if not path.exists()), cert)
        raise HostError(f"{missing} cannot be read: {fault.strerror}") from fault


def _trust(made: ssl.SSLContext, file: Path) -> None:
    try:
        made.load_verify_locations(file)
    except ssl.SSLError as fault:
        raise HostError(f"{file} holds no certificate in PEM ({fault.reason})") from fault
    except OSError as fault:
        raise HostError(f"{file} cannot be read: {fault.strerror}") from fault
