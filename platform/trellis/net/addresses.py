"""Which addresses of the network may be spoken to: those of the public internet, by our own list.

Python's `is_global` is not enough: it calls 64:ff9b::7f00:1 and 2002:7f00:1:: global, which lead to
127.0.0.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DENIED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # Azure's services for its machines
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
# All other addresses of version 6 are special: local, mapped, NAT64, multicast, not given out.
GIVEN_OUT: Final = ipaddress.ip_network("2000::/3")


def is_public(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Says whether an address may be spoken to; `allowed` are networks that may be besides."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a zone (fe80::1%eth0), or none at all
        return False
    if is_within(text, allowed):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in GIVEN_OUT:
        return False
    return not any(address in network for network in DENIED)


def is_within(text: str, networks: Sequence[Network]) -> bool:
    """Says whether an address lies in one of some networks."""
    address = ipaddress.ip_address(text)
    return any(address in network for network in networks)
