"""How we and etcd prove to each other who we are, and what it means when one of us does not believe it.

etcd's side of a refused handshake says next to nothing: in TLS 1.3 a client learns that its certificate was refused
only when the connection breaks, and the alert that it is given is the same for a certificate that is missing, foreign
or expired. So after a refusal, and only then, we look at our own certificate with our own eyes (``fault_of_ours``): we
let it shake hands with ourselves, in memory, and report what Python's verification says of it.

Files are read anew for every connection: a certificate that was renewed on disk is used without a restart.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from stanchion.model.errors import StoreUnusable

_EXPIRED, _NOT_YET, _WRONG_NAME = 10, 9, frozenset({62, 63, 64})
"""Numbers of OpenSSL's verification errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdTls:
    """The files for TLS, in PEM. ``ca`` None: the authorities that this host trusts; no ``cert``: we show none."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


def context(tls: EtcdTls) -> ssl.SSLContext:
    """Make the context for a connection to etcd. Raises ``StoreUnusable`` where a file is missing or no good."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.set_alpn_protocols(["h2"])
    if tls.ca is None:
        made.load_default_certs()
    return _loaded(made, tls)


def fault_of_theirs(fault: ssl.SSLCertVerificationError) -> str:
    """Say why we do not believe a member."""
    if fault.verify_code == _EXPIRED:
        return "its certificate has expired: renew it"
    if fault.verify_code == _NOT_YET:
        return "its certificate is not valid yet: compare the clocks"
    if fault.verify_code in _WRONG_NAME:
        return f"its certificate is for another address ({fault.verify_message}): make one that names this one"
    return f"its certificate is not signed by the authority in etcd_ca ({fault.verify_message})"


def fault_of_ours(tls: EtcdTls) -> str:
    """Say why a member may have refused us."""
    if tls.cert is None:
        return "it asks for a client's certificate: set etcd_cert and etcd_key"
    code, words = _verdict(tls)
    if code == _EXPIRED:
        return f"it does not accept our certificate {tls.cert}, which has expired: renew it"
    if code == _NOT_YET:
        return f"it does not accept our certificate {tls.cert}, which is not valid yet: compare the clocks"
    return (f"it does not accept our certificate {tls.cert}: have it signed by the authority that etcd trusts"
            + (f" ({words})" if code else "; if this node was removed from its cluster, it was revoked"))


def _verdict(tls: EtcdTls) -> tuple[int, str]:
    """Verify our own certificate as a server would that trusts our authority; (0, "") when nothing is wrong."""
    server = _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tls)
    server.verify_mode = ssl.CERT_REQUIRED
    client = _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), tls)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True))
    for _ in range(4):  # enough for both sides' messages
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as fault:
                return fault.verify_code, fault.verify_message
            except ssl.SSLError as fault:
                return -1, str(fault.reason)
    return 0, ""


def _loaded(made: ssl.SSLContext, tls: EtcdTls) -> ssl.SSLContext:
    try:
        if tls.ca is not None:
            made.load_verify_locations(tls.ca)
        if tls.cert is not None:
            made.load_cert_chain(tls.cert, tls.key)
    except ssl.SSLError as fault:
        named = ", ".join(str(path) for path in (tls.ca, tls.cert, tls.key) if path is not None)
        raise StoreUnusable(f"{named}: not certificates and a key that belong together, in PEM "
                            f"({fault.reason})") from fault
    except OSError as fault:
        missing = next((path for path in (tls.ca, tls.cert, tls.key) if path is not None and not path.exists()), "")
        raise StoreUnusable(f"a file for TLS cannot be read: {missing or tls.cert}: {fault.strerror}") from fault
    return made
