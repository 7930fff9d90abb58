"""The papers of one host: its key, which never leaves it, its certificate, and those of others.

Files are replaced in one step, so who reads them finds the old ones or the new ones. A key is readable by its owner
alone from the moment at which it is made.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stanchion.model.errors import HostError, InvalidInput
from stanchion.model.ids import NodeName
from stanchion.model.trust import Paper


@dataclass(frozen=True, slots=True)
class Papers:
    """The files of a host's identity below one directory."""

    directory: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.directory / "ca.crt"

    @property
    def cert(self) -> Path:
        """This host's certificate."""
        return self.directory / "node.crt"

    @property
    def key(self) -> Path:
        """The key of this host's certificate."""
        return self.directory / "node.key"

    @property
    def revoked(self) -> Path:
        """The list of certificates that are accepted no more."""
        return self.directory / "revoked.crl"


def make_key(path: Path) -> None:
    """Make a host's key, or keep the one that stands there. Raises ``HostError``."""
    if path.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    replace_file(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()).decode(), private=True)


def request(key: Path, node: NodeName) -> str:
    """Make a request, in PEM, that a host's key be signed. Raises ``HostError``."""
    try:
        made = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError) as fault:
        raise HostError(f"the key {key} cannot be read ({fault}); remove it, and a new one is made") from fault
    assert isinstance(made, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(made, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM).decode()


def read(certificate: str) -> Paper:
    """Read what a certificate in PEM says. Raises ``InvalidInput``."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError as fault:
        raise InvalidInput("this is not a certificate in PEM") from fault
    names = [str(each.value) for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        others = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        others = x509.SubjectAlternativeName([])
    return Paper(node=NodeName(names[0] if names else ""), serial=f"{found.serial_number:x}",
                 not_before_s=found.not_valid_before_utc.timestamp(), not_after_s=found.not_valid_after_utc.timestamp(),
                 addresses=tuple(str(each.value) for each in others))


def read_file(path: Path) -> Paper:
    """Read a certificate's file. Raises ``HostError``."""
    try:
        return read(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise HostError(f"there is no certificate {path}; only hosts of a cluster of several have one") from None
    except (OSError, UnicodeDecodeError, InvalidInput) as fault:
        raise HostError(f"the certificate {path} cannot be read: {fault}") from fault


def replace_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file in one step: the old one or the new one, never half. Raises ``HostError``."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644), "w",
                       encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as problem:
        raise HostError(f"{path} cannot be written: {problem.strerror}") from None


def revoked(path: Path) -> frozenset[str]:
    """Give the serial numbers, in hexadecimal, that stand in a list of revoked certificates; none: no list yet."""
    try:
        found = x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError):
        return frozenset()
    return frozenset(f"{each.serial_number:x}" for each in found)
