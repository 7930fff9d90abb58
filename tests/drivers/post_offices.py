"""A mail server and a web server on loopback that speak for real and keep what they are given."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """SMTP as the standard has it. ``refuses`` maps a command's first word, or an address, to another answer."""

    refuses: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    silent: bool = False
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client."""
        try:
            await self._talk(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            await reader.read()
            return
        to: list[str] = []
        self._say(writer, "220 ready")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            self.commands.append(line)
            address = line.partition("<")[2].partition(">")[0]
            refusal = self.refuses.get(word) or (self.refuses.get(address) if word == "RCPT" else None)
            if refusal:
                self._say(writer, refusal)
            elif word == "EHLO":
                self._say(writer, "250-post", *(["250-STARTTLS"] if self.tls else []), "250-AUTH PLAIN", "250 8BITMIME")
            elif word == "STARTTLS":
                self._say(writer, "220 go ahead")
                await writer.start_tls(self.tls)  # type: ignore[arg-type]  # only offered where there is one
            elif word == "RCPT":
                to.append(address)
                self._say(writer, "250 good")
            elif word == "DATA":
                self._say(writer, "354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                text = body[:-3].replace(b"\r\n..", b"\r\n.")
                self.mails.append((to, message_from_bytes(text, policy=policy.default)))  # type: ignore[arg-type]
                self._say(writer, "250 taken as number 7")
            elif word == "QUIT":
                self._say(writer, "221 bye")
                return
            else:
                self._say(writer, "235 you may" if word == "AUTH" else "250 good")

    def _say(self, writer: asyncio.StreamWriter, *lines: str) -> None:
        writer.write("".join(f"{line}\r\n" for line in lines).encode())


@dataclass
class WebServer:
    """HTTP with one answer for everything. ``posts`` holds headers and bodies."""

    status: str = "204 No Content"
    headers: str = ""
    silent: bool = False
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.posts.append((head[0], headers, body))
            if self.silent:
                await reader.read()
                return
            writer.write(f"HTTP/1.1 {self.status}\r\n{self.headers}Content-Length: 0\r\n\r\n".encode())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def opened(office: MailServer | WebServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Let it answer on a free port of loopback."""
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0, ssl=tls)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
