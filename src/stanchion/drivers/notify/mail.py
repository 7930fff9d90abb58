"""E-mail as plain text, by SMTP: unprotected, with STARTTLS, or TLS from the first byte.

Certificates are checked against the host's own authorities. The Message-ID is made of the message's name, so a mail
that was sent twice, because the master changed in the middle, can be told from two.
"""

import hashlib
import smtplib
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate

from stanchion.drivers.notify.shape import secret
from stanchion.model.errors import HostError, plainly
from stanchion.model.history import Severity
from stanchion.model.notification import Mail, Message, Security

LONGEST_LINE = 990
"""A line of a mail may not be longer (RFC 5322, 2.1.1)."""


def send(way: Mail, message: Message, timeout_s: float) -> str:
    """Hand the mail to the server and give its answer. Raises ``HostError``."""
    server = f"{way.host}:{way.port}"
    password = secret(way.password_file) if way.user and way.password_file else ""
    try:
        smtp = _connected(way, timeout_s)
        try:
            if way.user:
                smtp.login(way.user, password)
            said = _hand_over(smtp, way, written(way, message), server)
            with suppress(smtplib.SMTPException, OSError):  # it has the mail, however it takes its leave
                smtp.quit()
        finally:
            smtp.close()
    except smtplib.SMTPRecipientsRefused as problem:
        raise HostError(f"the mail server {server} takes none of the addresses: {_refused(problem.recipients)}"
                        ) from None
    except smtplib.SMTPResponseException as problem:
        raise HostError(f"the mail server {server} refuses: {problem.smtp_code} {_text(problem.smtp_error)}") from None
    except (smtplib.SMTPException, OSError, UnicodeError, ValueError) as problem:
        raise HostError(f"the mail server {server} cannot be used: {plainly(problem)}") from None
    return said


def _connected(way: Mail, timeout_s: float) -> smtplib.SMTP:
    if way.security is Security.TLS:
        return smtplib.SMTP_SSL(way.host, way.port, timeout=timeout_s, context=ssl.create_default_context())
    smtp = smtplib.SMTP(way.host, way.port, timeout=timeout_s)
    if way.security is Security.STARTTLS:
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _hand_over(smtp: smtplib.SMTP, way: Mail, mail: EmailMessage, server: str) -> str:
    """Speak the transaction ourselves: ``smtplib`` does not give the server's last word."""
    smtp.ehlo_or_helo_if_needed()
    _must(smtp.mail(mail["From"].addresses[0].addr_spec), smtplib.SMTPResponseException)
    refused: dict[str, tuple[int, bytes]] = {}
    for address in way.to:
        code, text = smtp.rcpt(address)
        if code not in {250, 251}:
            refused[address] = (code, text)
    if len(refused) == len(way.to):
        raise smtplib.SMTPRecipientsRefused(refused)
    code, answer = _must(smtp.data(_bytes(mail)), smtplib.SMTPDataError)
    said = f"{server} answered {code} {_text(answer)}"
    return f"{said}; refused {_refused(refused)}" if refused else said


def _bytes(mail: EmailMessage) -> bytes:
    """Write it for the wire. A plain subject stays on one line: folded, some readers show it with gaps."""
    width = LONGEST_LINE if str(mail["Subject"]).isascii() else 78
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n", max_line_length=width))


def _must(answer: tuple[int, bytes], problem: type[smtplib.SMTPResponseException]) -> tuple[int, bytes]:
    code, text = answer
    if code != 250:  # noqa: PLR2004 - "requested mail action okay, completed"
        raise problem(code, text)
    return answer


def written(way: Mail, message: Message) -> EmailMessage:
    """Write the mail. Its subject is one line of printable characters already."""
    mail = EmailMessage()
    sender = way.sender or f"stanchion@{_host_name()}"
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(way.to), message.subject
    mail["Date"] = formatdate()
    digest = hashlib.sha256(f"{message.cluster} {message.id}".encode(errors="replace")).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.severity is Severity.CRITICAL:
        mail["Importance"] = "high"
    plain = message.text.isascii() and max(map(len, message.text.splitlines()), default=0) < LONGEST_LINE
    mail.set_content(message.text, cte="7bit" if plain else "quoted-printable")
    return mail


def _host_name() -> str:
    name = socket.gethostname()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "localhost"


def _refused(recipients: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{address} ({code} {_text(text)})" for address, (code, text) in recipients.items())


def _text(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:300]
