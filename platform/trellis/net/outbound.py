"""The one client for addresses that people typed in: it never reaches into our own network.

A name is resolved once, every address it has must be public, and the connection goes to the
address that was checked; out of our own networks it is always encrypted. Redirects are not
followed, and what the answer says is not read.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from trellis.net.addresses import Network, is_public, is_within

MAX_URL: Final = 2_048
MAX_BODY: Final = 1024 * 1024
CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0
PORTS: Final = {"https": 443, "http": 80}
OTHER_PORTS: Final = frozenset({8080, 8443})

Resolve = Callable[[str, int], list[str]]


class OutboundError(Exception):
    """A request that was not made, or not answered; `code` says which, for retries and pages."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address that was read."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Received:
    """What was answered: its status, and for how many seconds it asks to be left alone."""

    status: int
    retry_after: int | None


def resolve_name(host: str, port: int) -> list[str]:
    """Gives the addresses of a name, as the operating system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def read_target(url: str, *, any_port: bool = False) -> Target:
    """Gives the parts of an address. Raises OutboundError for what no receiver needs."""
    if len(url) > MAX_URL or not url.isascii() or any(one <= " " or one == "\\" for one in url):
        raise OutboundError("url", "an address is plain ASCII without spaces and backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise OutboundError("url", "this is no address") from error
    if parts.scheme not in PORTS or not host:
        raise OutboundError("url", "an address begins with https:// and names a host")
    if "@" in parts.netloc or "%" in parts.netloc:
        raise OutboundError("url", "an address holds no user, password or zone")
    port = PORTS[parts.scheme] if port is None else port
    if port != PORTS[parts.scheme] and port not in OTHER_PORTS and not any_port:
        raise OutboundError("port", f"port {port} is not spoken to")
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def flaws_of(url: str, allowed: Sequence[Network]) -> Iterator[str]:
    """Gives the codes of what forbids an address, as far as it can be said without asking for a
    name: what this leads to is looked at whenever it is spoken to."""
    try:
        target = read_target(url, any_port=bool(allowed))
    except OutboundError as error:
        yield error.code
        return
    found = literal_addresses(target)
    if not all(is_public(address, allowed) for address in found):
        yield "denied"
    is_ours = all(is_within(address, allowed) for address in found) and bool(allowed)
    if target.scheme == "http" and not is_ours:
        yield "plain"


def literal_addresses(target: Target) -> list[str]:
    """Gives the addresses of a host that is written as one, in any form; none for a name."""
    if target.host.rstrip(".") == "localhost":
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(target.host, target.port, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]) for one in found]


@dataclass(frozen=True, slots=True)
class Outbound:
    """Sends requests. `allowed` are networks inside which may be spoken to, on any port."""

    allowed: tuple[Network, ...] = ()
    resolve: Resolve = resolve_name
    connect_seconds: float = CONNECT_SECONDS
    total_seconds: float = TOTAL_SECONDS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Received:
        """Posts a body. Raises OutboundError when it is not sent or not answered in time."""
        if len(body) > MAX_BODY:
            raise OutboundError("size", f"the body has more than {MAX_BODY} bytes")
        target = read_target(url, any_port=bool(self.allowed))
        address = self.address_of(target)
        connection = open_connection(target, address, self.connect_seconds)
        ends = time.monotonic() + self.total_seconds
        # A receiver that answers letter by letter is broken off all the same.
        watch = threading.Timer(self.total_seconds, hang_up, (connection,))
        watch.daemon = True
        watch.start()
        try:
            secure(connection, target, self.total_seconds)
            connection.request("POST", target.path, body, dict(headers))
            answer = connection.getresponse()
            return Received(answer.status, read_seconds(answer.getheader("Retry-After")))
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= ends or isinstance(error, TimeoutError):
                raise OutboundError("timeout", "no answer in time") from error
            raise OutboundError("connection", said(error)) from error
        finally:
            watch.cancel()
            connection.close()

    def address_of(self, target: Target) -> str:
        """Gives the address to connect to. Raises OutboundError unless all of a name are public."""
        try:
            found = self.resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise OutboundError("name", f"{target.host} has no address") from error
        if not found:
            raise OutboundError("name", f"{target.host} has no address")
        for address in found:
            if not is_public(address, self.allowed):
                raise OutboundError("denied", f"{target.host} is not on the public internet")
            if target.scheme == "http" and not is_within(address, self.allowed):
                raise OutboundError("plain", "only https:// is spoken on the public internet")
        listed = target.port == PORTS[target.scheme] or target.port in OTHER_PORTS
        if not listed and is_public(found[0]):
            raise OutboundError("port", f"port {target.port} is not spoken to")
        return found[0]


def open_connection(target: Target, address: str, seconds: float) -> http.client.HTTPConnection:
    """Gives a connection to an address, under the name that was asked for."""
    is_default = target.port == PORTS[target.scheme]
    connection = http.client.HTTPConnection(
        target.host, PORTS["http"] if is_default else target.port
    )
    try:
        connection.sock = socket.create_connection((address, target.port), seconds)
    except OSError as error:
        code = "timeout" if isinstance(error, TimeoutError) else "connection"
        raise OutboundError(code, said(error)) from error
    return connection


def secure(connection: http.client.HTTPConnection, target: Target, seconds: float) -> None:
    """Has a connection encrypted where its address says so; the certificate must be the name's."""
    connection.sock.settimeout(seconds)
    if target.scheme == "https":
        context = ssl.create_default_context()
        wrapped = context.wrap_socket(
            connection.sock, server_hostname=target.host, do_handshake_on_connect=False
        )
        connection.sock = wrapped
        wrapped.do_handshake()


def hang_up(connection: http.client.HTTPConnection) -> None:
    """Ends a connection under whoever waits on it."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def read_seconds(text: str | None) -> int | None:
    """Gives the seconds of a header `Retry-After`; a date is not understood."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 7 else None


def said(error: Exception) -> str:
    """Gives the kind of an error without what the other side said."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "bad answer"
