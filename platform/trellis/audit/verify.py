"""Checks an exported audit. Needs nothing but Python: `python verify.py [FOLDER] [--key HEX]`.

The folder holds rows.jsonl (one row of the audit a line, with its number and hash), heads.jsonl
(signed heads of the chain) and public_key (hexadecimal). Each hash is
SHA-256(hash before, as bytes || the row as JSON with sorted keys); a head signs number and hash of
the last row there was at its time with Ed25519 (RFC 8032). Keep the public key and now and then a
copy of the heads in another place: who can change all files of this folder can make new ones.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

GENESIS = "0" * 64

# The curve of Ed25519: -x² + y² = 1 + D x² y² over the field of P elements.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))

Point = tuple[int, int, int, int]
Head = Mapping[str, Any]
Verify = Callable[[str, bytes, str], bool]


class Link(NamedTuple):
    """One row as the chain has it; `row` is None where it is missing."""

    sequence: int
    hash: str
    source: str
    row_id: str
    row: Mapping[str, Any] | None


class Finding(NamedTuple):
    """Something wrong: the number of the row at fault and what it is."""

    sequence: int
    text: str


def canonical_text(source: str, row: Mapping[str, Any]) -> str:
    """Gives the form of a row that is hashed."""
    return CANONICAL.encode([source, row])


def next_hash(before: str, text: str) -> str:
    """Gives the hash of a row from the one before it."""
    return hashlib.sha256(bytes.fromhex(before) + text.encode()).hexdigest()


def head_message(sequence: int, digest: str, at: str) -> bytes:
    """Gives what a head signs."""
    return f"trellis audit head\n{sequence}\n{digest}\n{at}".encode()


def check(
    links: Iterable[Link], heads: Iterable[Head], key: str, verify: Verify | None = None
) -> Iterator[Finding]:
    """Gives what is wrong with rows in the order of their numbers, then with heads.

    `key` is the public key that heads are to be signed with. A row at fault does not make the
    following ones wrong.
    """
    known = sorted(heads, key=lambda head: int(head["sequence"]))
    wanted = {int(head["sequence"]) for head in known}
    found: dict[int, str] = {}
    before, last = GENESIS, 0
    for link in links:
        if link.sequence != last + 1:
            yield Finding(last + 1, f"expected number {last + 1}, there is {link.sequence}")
        yield from check_link(link, before)
        if link.sequence in wanted:
            found[link.sequence] = link.hash
        before, last = link.hash, link.sequence
    if last and not known:
        yield Finding(0, "no head was ever signed: rows cut off at the end would not be missed")
    yield from check_heads(known, found, last, key, verify or is_signed)


def check_link(link: Link, before: str) -> Iterator[Finding]:
    """Gives what is wrong with one row."""
    place = f"{link.source} {link.row_id}"
    if link.row is None:
        yield Finding(link.sequence, f"{place} is missing")
    elif link.row.get("id") != link.row_id:
        yield Finding(link.sequence, f"{place} is not the row at its place")
    elif not is_hash(before) or not is_hash(link.hash):
        yield Finding(link.sequence, f"{place} has no readable hash")
    elif next_hash(before, canonical_text(link.source, link.row)) != link.hash:
        yield Finding(link.sequence, f"{place} was changed, or has another place")


def check_heads(
    heads: Iterable[Head], found: Mapping[int, str], last: int, key: str, verify: Verify
) -> Iterator[Finding]:
    """Gives what is wrong with signed heads: they hold what the chain was at their time."""
    good = 0
    for head in heads:
        sequence, digest, at = int(head["sequence"]), str(head["hash"]), str(head["at"])
        message = head_message(sequence, digest, at)
        if not verify(key, message, str(head["signature"])):
            yield Finding(sequence, f"the head of {at} is not signed with the key {key[:16]}…")
        elif sequence > last:
            yield Finding(last + 1, f"rows are cut off after {last}: {at} there were {sequence}")
        elif found.get(sequence) != digest:
            place = f"between {good + 1} and {sequence}"
            yield Finding(good + 1, f"the chain was made anew: a row {place} differs since {at}")
        else:
            good = sequence


def is_hash(text: str) -> bool:
    """Says whether a text can be a hash."""
    return len(text) == len(GENESIS) and all(letter in "0123456789abcdef" for letter in text)


def is_signed(key: str, message: bytes, signature: str) -> bool:
    """Says whether an Ed25519 signature (both in hexadecimal) fits a message."""
    try:
        public, packed = bytes.fromhex(key), bytes.fromhex(signature)
    except ValueError:
        return False
    if len(public) != 32 or len(packed) != 64:
        return False
    holder, commitment = unpack(public), unpack(packed[:32])
    scalar = int.from_bytes(packed[32:], "little")
    if holder is None or commitment is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(packed[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left = times(scalar, base_point())
    return is_same(left, add(commitment, times(challenge, holder)))


def base_point() -> Point:
    """Gives the point that all keys are multiples of."""
    y = 4 * pow(5, P - 2, P) % P
    x = x_of(y, 0)
    if x is None:
        raise ArithmeticError("the base point is on the curve")
    return (x, y, 1, x * y % P)


def x_of(y: int, sign: int) -> int | None:
    """Gives the x of a point on the curve; None when there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def unpack(packed: bytes) -> Point | None:
    """Gives the point that 32 bytes stand for."""
    number = int.from_bytes(packed, "little")
    y = number & ((1 << 255) - 1)
    x = x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


def add(one: Point, other: Point) -> Point:
    """Adds two points."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """Multiplies a point."""
    found: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point = add(point, point)
        scalar >>= 1
    return found


def is_same(one: Point, other: Point) -> bool:
    """Says whether two points are equal."""
    if (one[0] * other[2] - other[0] * one[2]) % P:
        return False
    return (one[1] * other[2] - other[1] * one[2]) % P == 0


def read_links(file: Path) -> Iterator[Link]:
    """Gives the rows of an export."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            row = told["row"]
            yield Link(told["sequence"], told["hash"], told["source"], row["id"], row)


def read_heads(file: Path) -> list[Head]:
    """Gives the heads of a file; none when it is missing."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def main(arguments: list[str]) -> int:
    """Checks a folder, says what it found, and gives the exit code: 0 right, 1 wrong."""
    named = arguments.index("--key") if "--key" in arguments else len(arguments)
    places, keys = arguments[:named], arguments[named + 1 :]
    folder = Path(places[0]) if places else Path(__file__).resolve().parent
    key = keys[0] if keys else (folder / "public_key").read_text("ascii").strip()
    heads = read_heads(folder / "heads.jsonl")
    try:
        found = list(check(read_links(folder / "rows.jsonl"), heads, key))
    except (ValueError, KeyError, TypeError) as error:
        found = [Finding(0, f"the files cannot be read: {error!r}")]
    for finding in found:
        sys.stdout.write(f"{finding.sequence}: {finding.text}\n")
    said = f"wrong: {len(found)} findings" if found else f"right: {len(heads)} heads fit"
    sys.stdout.write(f"{said}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
