"""The certificate authority of one cluster: it signs what joins, and seals its own key.

Elliptic-curve keys throughout (P-256): small, fast, and known to every TLS library that etcd and we may meet. The
authority's key leaves memory only *sealed*: encrypted with a key that is derived from the cluster's secret. A node's
certificate serves both as a server's and as a client's, because every agent and every member of etcd is both, and names
the address at which others reach the host, the loopback addresses, and the node.

Clocks of joining hosts may run a little behind: what is signed is valid from an hour before.
"""

import binascii
import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stanchion.model.errors import HostError, InvalidInput
from stanchion.model.ids import NodeName
from stanchion.model.trust import Authority
from stanchion.trust.sealing import lock

PURPOSE = "the authority's key"
AUTHORITY_DAYS = 20 * 365
NODE_DAYS = 365
EARLIER = timedelta(hours=1)
"""How long before its making a certificate is valid already, for clocks that run behind."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Signer:
    """An authority whose key is open: it can sign. Times are seconds since the epoch."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, cluster: str, now_s: float) -> "Signer":
        """Make the authority of a new cluster."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Stanchion"),
                          x509.NameAttribute(NameOID.COMMON_NAME, cluster[:64])])
        begins = _instant(now_s) - EARLIER
        made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(begins).not_valid_after(begins + timedelta(days=AUTHORITY_DAYS))
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(signs=True), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .sign(key, hashes.SHA256()))
        return cls(made, key)

    @classmethod
    def open(cls, authority: Authority, secret: str) -> "Signer":
        """Open the key of the cluster's authority. Raises ``HostError`` where the secret is another cluster's."""
        try:
            text = lock(secret, PURPOSE).decrypt(authority.sealed_key.encode())
            key = serialization.load_pem_private_key(text, None)
        except (InvalidToken, ValueError) as fault:
            raise HostError("the key of the cluster's authority cannot be opened with this host's token file; copy "
                            "the token file of a node that can") from fault
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(authority.certificate.encode()), key)

    def record(self, secret: str, revoked: tuple[str, ...] = ()) -> Authority:
        """Give what stands in the store, the key sealed with the cluster's secret."""
        key = self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())
        sealed_key = lock(secret, PURPOSE).encrypt(key).decode()
        return Authority(certificate=self.certificate, sealed_key=sealed_key, revoked=revoked)

    @property
    def certificate(self) -> str:
        """The authority's certificate, in PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, request: str, node: NodeName, address: str, now_s: float, *, days: float = NODE_DAYS) -> str:
        """Give a certificate, in PEM, to who made a request and so has its key. Raises ``InvalidInput``.

        Of the request nothing but the key counts: the names are ours to give.
        """
        key = _requested(request)
        begins = _instant(now_s) - EARLIER
        ends = min(_instant(now_s) + timedelta(days=days), self._certificate.not_valid_after_utc)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = (x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)]))
                .issuer_name(self._certificate.subject).public_key(key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(min(begins, ends - timedelta(seconds=1))).not_valid_after(ends)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_usage(signs=False), critical=True)
                .add_extension(x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
                .add_extension(x509.SubjectAlternativeName(_names((address, *_LOOPBACK, node))), critical=False)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
                .add_extension(issuer, critical=False)
                .sign(self._key, hashes.SHA256()))
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def revocations(self, serials: Iterable[str], now_s: float) -> str:
        """Give the list, in PEM, of certificates that nobody may accept any more."""
        begins = _instant(now_s) - EARLIER
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self._certificate.subject)
                   .last_update(begins).next_update(self._certificate.not_valid_after_utc))
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(begins).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate: str) -> str:
    """Give the SHA-256 of a certificate in PEM, as hexadecimal: what a join token knows it by.

    Raises ``InvalidInput`` where it is none.
    """
    try:
        return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex()
    except ValueError as fault:
        raise InvalidInput("what was sent is not a certificate in PEM") from fault


def _requested(request: str) -> ec.EllipticCurvePublicKey:
    """Give the key of a signing request that proves to be its maker's. Raises ``InvalidInput``."""
    try:
        read = x509.load_pem_x509_csr(request.encode())
        key, valid = read.public_key(), read.is_signature_valid
    except (ValueError, InvalidSignature, TypeError, binascii.Error) as fault:
        raise InvalidInput("the certificate request is not one in PEM; `stanchion join` makes it") from fault
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidInput("the certificate request is not signed with its own key; `stanchion join` makes a good one")
    return key


def _names(given: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for each in dict.fromkeys(given):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(each)))
        except ValueError:
            try:
                names.append(x509.DNSName(each))
            except ValueError as fault:
                raise InvalidInput(f"{each!r} cannot stand in a certificate; give the address as 10.0.0.1 or as a "
                                   "host's name") from fault
    return names


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
                         key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                         decipher_only=False)


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC).replace(microsecond=0)
