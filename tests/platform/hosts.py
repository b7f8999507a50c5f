"""Hosts with a network between them, on one machine: network namespaces on a switch.

A host is unplugged at the switch: it goes on working and is told nothing, as when a cable is cut.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import leave_out, unprivileged


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Host:
    """A host: processes that are started by its `launcher` have no other network."""

    name: str
    address: str
    switch: str

    @property
    def launcher(self) -> tuple[str, ...]:
        """Gives what to put before a command that is to run on it."""
        return ("ip", "netns", "exec", self.name)

    @property
    def unprivileged_launcher(self) -> tuple[str, ...]:
        """Gives what to put before a command that refuses to run as root."""
        who = unprivileged()
        ids = (f"--reuid={who['user']}", f"--regid={who['group']}")
        return (*self.launcher, "setpriv", *ids, "--clear-groups")

    def unplug(self) -> None:
        """Cuts it off: nothing arrives any more, in either direction."""
        run("ip", "-n", self.switch, "link", "set", "port" + self.name[-1], "nomaster")

    def plug_in(self) -> None:
        """Connects it with the others."""
        run("ip", "-n", self.switch, "link", "set", "port" + self.name[-1], "master", "bridge")


@contextmanager
def network(number: int) -> Iterator[list[Host]]:
    """Gives so many hosts that reach each other."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("setpriv"):
        leave_out("no root, ip or setpriv: hosts that are cut off are LEFT OUT")
    switch = f"trellis-{uuid.uuid4().hex[:8]}"
    hosts = [Host(f"{switch}-{n}", f"10.77.0.{n}", switch) for n in range(1, number + 1)]
    run("ip", "netns", "add", switch)
    try:
        run("ip", "-n", switch, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "bridge", "up")
        for host in hosts:
            add(host)
        yield hosts
    finally:
        for name in [*(host.name for host in hosts), switch]:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def add(host: Host) -> None:
    """Makes a host and plugs it in."""
    port = "port" + host.name[-1]
    run("ip", "netns", "add", host.name)
    peer = ("peer", "name", port, "netns", host.switch)
    run("ip", "link", "add", "eth0", "netns", host.name, "type", "veth", *peer)
    run("ip", "-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
    run("ip", "-n", host.name, "link", "set", "lo", "up")
    run("ip", "-n", host.name, "link", "set", "eth0", "up")
    run("ip", "-n", host.switch, "link", "set", port, "up")
    host.plug_in()
