"""Addresses that people typed in never lead into our own network (SEC-11)."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

import pytest

from trellis.net.addresses import is_public
from trellis.net.outbound import Outbound, OutboundError, read_target

PLACES = {"public.example": "93.184.216.34", "ours.example": "10.1.2.3"}
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Canary:
    """A server on loopback that counts who connects, and answers with `say` in `pause` steps."""

    server: socket.socket
    say: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    pause: float = 0
    connections: int = 0
    heard: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(2)
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        try:
            self.heard.append(connection.recv(65536))
            for start in range(0, len(self.say), 1 if self.pause else len(self.say)):
                connection.sendall(self.say[start : start + (1 if self.pause else len(self.say))])
                time.sleep(self.pause)
        except OSError:
            return


@pytest.fixture
def canary() -> Iterator[Canary]:
    server = socket.create_server(("127.0.0.1", 0))
    made = Canary(server)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    yield made
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(timeout=3)


#: Ways to say 127.0.0.1, our own networks and the like; each with and without the canary's port.
HOSTS = (
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0", "0.0.0.0", "2130706433"),
    *("0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "0x7f.0x0.0x0.0x1", "127.000.000.001"),
    *(
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
    ),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]"),
    *(
        "[100::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
    ),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.1.1"),
    *("100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.1.2.3"),
)
FORMS = (
    *("http://good.com\\@{here}/", "http://good.com@{here}/", "http://u:p@{here}/"),
    *("http://{here}#@good.com/", "http://{here}?@good.com", " http://{here}/", "http://{here} /"),
    *(
        "http:/{here}/",
        "http:{here}",
        "//{here}/",
        "{here}",
        "http://[{here}]/",
        "http://{here}\t/",
    ),
    *("file:///etc/passwd", "gopher://{here}/", "ftp://{here}/", "http://\n{here}/", "http:///x"),
    *("http://１２７.0.0.1/", "http://ⓛocalhost/", "http://%31%32%37.0.0.1/", "http://x:99999/"),
    *("http://127.0.0.1:{port}@good.com:25/", "data:text/plain,x", "javascript:alert(1)", ""),
)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_sec_11_no_form_of_an_address_reaches_us(canary: Canary, scheme: str) -> None:
    here = f"127.0.0.1:{canary.port}"
    urls = [f"{scheme}://{host}{port}/hook" for host in HOSTS for port in ("", f":{canary.port}")]
    urls += [form.format(here=here, port=canary.port) for form in FORMS]
    assert len(urls) > 60
    sent = []
    for url in urls:
        try:
            Outbound(connect_seconds=0.2).post(url, {}, b"x")
            sent.append(url)
        except OutboundError as error:
            if error.code not in ("url", "port", "denied", "name"):
                sent.append(url)
    assert sent == []
    assert canary.connections == 0


@pytest.mark.parametrize(
    "answers",
    [
        [["127.0.0.1"]],
        [["192.0.2.1", "127.0.0.1"]],
        [["127.0.0.2", "127.0.0.1"]],
        [["127.0.0.2"], ["127.0.0.1"]],
        [["::ffff:127.0.0.1"]],
        [[]],
    ],
)
def test_sec_11_a_name_is_resolved_once(canary: Canary, answers: list[list[str]]) -> None:
    """A name server that answers otherwise the second time is not asked a second time."""
    asked, turns = [], cycle(answers)

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return next(turns)

    second = (ipaddress.ip_network("127.0.0.2/32"),)
    client = Outbound(second, resolve=resolve, connect_seconds=0.2, total_seconds=0.5)
    with pytest.raises(OutboundError):
        client.post(f"http://rebind.example:{canary.port}/", {}, b"x")
    assert asked == [("rebind.example", canary.port)]
    assert canary.connections == 0


def test_the_address_that_was_checked_is_connected_to(canary: Canary) -> None:
    client = Outbound(LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"])
    url = f"http://receiver.example:{canary.port}/hook?x=1"
    assert client.post(url, {"X-Test": "1"}, b"body").status == 200
    (heard,) = canary.heard
    assert heard.startswith(b"POST /hook?x=1 HTTP/1.1\r\nHost: receiver.example:")
    assert b"X-Test: 1" in heard


def test_sec_11_redirects_are_not_followed(canary: Canary) -> None:
    location = f"http://127.0.0.1:{canary.port}/inside"
    canary.say = f"HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    client = Outbound(LOOPBACK)
    assert client.post(f"http://127.0.0.1:{canary.port}/", {}, b"x").status == 307
    assert canary.connections == 1


def test_who_answers_letter_by_letter_is_broken_off(canary: Canary) -> None:
    canary.pause = 0.1
    client, began = Outbound(LOOPBACK, total_seconds=0.5), time.monotonic()
    with pytest.raises(OutboundError) as refused:
        client.post(f"http://127.0.0.1:{canary.port}/", {}, b"x")
    assert refused.value.code == "timeout"
    assert time.monotonic() - began < 2


def test_an_allowed_network_opens_no_other_door() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"),)
    assert is_public("10.1.2.3", allowed)
    assert not is_public("10.2.2.3", allowed)
    assert not is_public("127.0.0.1", allowed)
    assert is_public("93.184.216.34")
    assert is_public("2606:4700::1111")


def test_the_public_internet_is_only_spoken_to_in_secret() -> None:
    def resolve(host: str, _port: int) -> list[str]:
        return [PLACES[host]]

    client = Outbound((ipaddress.ip_network("10.1.0.0/16"),), resolve=resolve)
    with pytest.raises(OutboundError, match="only https") as refused:
        client.address_of(read_target("http://public.example/"))
    assert refused.value.code == "plain"
    assert client.address_of(read_target("https://public.example/")) == "93.184.216.34"
    assert client.address_of(read_target("http://ours.example/")) == "10.1.2.3"


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(OutboundError, match="port 25 is not spoken to"):
        read_target("https://example.com:25/")
