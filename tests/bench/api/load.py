"""A load that costs little itself: its requests are bytes before the clock starts, and one thread
sends them over several connections.

A client that needs as much processor time as the server does shares its caches with it, and is
measured along.
"""

from __future__ import annotations

import re
import selectors
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.api.contenders import Asked

SECONDS = 300
CHUNK = 1 << 18
HEADERS_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
FIRST_ERROR = 300


def request_bytes(asked: Asked, headers: Mapping[str, str]) -> bytes:
    """Gives a request as it goes over the wire."""
    body = asked.body or b""
    lines = [f"{asked.method} {asked.path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in {**headers, **asked.headers}.items()]
    if asked.method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + HEADERS_END + body


@dataclass(eq=False)
class Line:
    """One connection, with what is still to be asked over it."""

    socket: socket.socket
    waiting: Iterator[bytes]
    received: bytearray = field(default_factory=bytearray)
    left: int = -1

    def ask(self) -> bool:
        """Sends the next request; says whether there was one."""
        following = next(self.waiting, None)
        if following is None:
            return False
        self.received.clear()
        self.left = -1
        self.socket.sendall(following)
        return True

    def hear(self) -> bool:
        """Takes what has come; says whether the answer is whole. Raises RuntimeError if refused."""
        part = self.socket.recv(CHUNK)
        if not part:
            raise RuntimeError(f"the server hung up: {bytes(self.received[:300])!r}")
        self.received += part
        if self.left < 0:
            end = self.received.find(HEADERS_END)
            if end < 0:
                return False
            found = LENGTH.search(self.received, 0, end + 2)
            if found is None:
                raise RuntimeError(f"an answer of unknown length: {bytes(self.received[:300])!r}")
            self.left = end + len(HEADERS_END) + int(found[1])
        if len(self.received) < self.left:
            return False
        if int(self.received[9:12]) >= FIRST_ERROR:
            raise RuntimeError(self.received[:600].decode(errors="replace"))
        return True


def send(port: int, requests: Sequence[bytes], connections: int) -> None:
    """Sends requests to a port of this machine, over some connections at once.

    Raises RuntimeError for the first that is refused.
    """
    with selectors.DefaultSelector() as selector:
        opened = []
        try:
            for place in range(min(connections, len(requests))):
                made = socket.create_connection(("127.0.0.1", port), SECONDS)
                opened.append(made)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = Line(made, iter(requests[place::connections]))
                selector.register(made, selectors.EVENT_READ, line)
                line.ask()
            while selector.get_map():
                for key, _ in selector.select(SECONDS):
                    if key.data.hear() and not key.data.ask():
                        selector.unregister(key.fileobj)
        finally:
            for one in opened:
                one.close()
