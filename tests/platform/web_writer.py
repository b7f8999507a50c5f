"""A program that writes through the web: each request is repeated until it is answered.

`python -m tests.platform.web_writer <port> <writer> <writes>`
"""

from __future__ import annotations

import sys
import time

from tests.platform.durability import OBJECT, PAUSE
from tests.platform.serving import BROKEN_OFF, Answer, Client
from tests.platform.world import PASSWORD


def ask(client: Client, method: str, path: str, body: object, **headers: str) -> Answer:
    """Asks until there is an answer."""
    while True:
        try:
            answer = client(method, path, body, **headers)
        except BROKEN_OFF:
            time.sleep(PAUSE)
            continue
        if answer.status < 500:
            return answer
        time.sleep(PAUSE)


def main(port: int, writer: str, writes: int) -> None:
    """Makes so many records; the idempotency key lets none be made twice."""
    who = {"username": "admin", "password": PASSWORD, "provider": "db"}
    token = ask(Client(port), "POST", "security/login", who).body["access_token"]
    client = Client(port, {"Authorization": f"Bearer {token}"})
    for number in range(writes):
        name = f"{writer}-{number}"
        answer = ask(client, "POST", OBJECT, {"name": name, "n": number}, Idempotency_Key=name)
        assert answer.status == 201, answer


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
