"""Random values from the recipes of a `demo/generate.json`.

A recipe is a plain JSON value (taken as it is) or an object with one of these keys:
`pick` (a list, or a mapping value → weight), `template` (text with `{pool}`, `{field}` and
`{digits:n}`), `pick_one` (a list of `{"weight", "value": recipe}`), `range` (whole numbers),
`log` (spread over orders of magnitude, with `round`), `fraction` ([low, high], in hundredths),
`days` (a date so many days from the creation), `ago` (an instant so many hours before the
creation, after it when negative), `later` (an instant so many hours after the one in the field
`than`), `related` and `user` (the name of somebody who holds a role; see `world`). `chance` beside
it gives the share of records that have a value at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Pools:
    """Named lists of words that templates draw from."""

    words: Mapping[str, Sequence[str]]
    random: Random


def make_value(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives a value in wire form, or None when `chance` says so; `known` are the fields so far."""
    if not isinstance(recipe, dict):
        return recipe
    random = pools.random
    if random.random() >= recipe.get("chance", 1):
        return None
    (maker,) = (MAKERS[key] for key in recipe if key in MAKERS)
    return maker(recipe, pools, known, at)


def pick(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives one of a list, or of a mapping by weight."""
    choices = recipe["pick"]
    if isinstance(choices, dict):
        return pools.random.choices(list(choices), list(choices.values()))[0]
    return pools.random.choice(choices)


def pick_one(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives the value of one of several recipes."""
    options = recipe["pick_one"]
    (chosen,) = pools.random.choices(options, [option["weight"] for option in options])
    return make_value(chosen["value"], pools, known, at)


def template(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Fills a text from pools and from the fields so far."""

    def fill(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        if name == "digits":
            return "".join(str(pools.random.randint(0, 9)) for _ in range(int(argument)))
        if name == "slug":
            return re.sub(r"[^a-z0-9]+", "-", str(known[argument]).lower()).strip("-") or "site"
        if name in known:
            return str(known[name])
        return pools.random.choice(pools.words[name])

    return PLACEHOLDER.sub(fill, recipe["template"])


def whole(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives a whole number."""
    low, high = recipe["range"]
    return pools.random.randint(low, high)


def spread(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives a number, small ones as likely per order of magnitude as large ones."""
    low, high = recipe["log"]
    step = recipe.get("round", 1)
    drawn = math.exp(pools.random.uniform(math.log(low), math.log(high)))
    return max(low, int(round(drawn / step) * step))


def fraction(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives a fraction in whole percents."""
    low, high = recipe["fraction"]
    hundredths = pools.random.randint(round(low * 100), round(high * 100))
    return f"{hundredths / 100:.2f}"


def days(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives a date before or after the creation."""
    low, high = recipe["days"]
    return (at + timedelta(days=pools.random.randint(low, high))).date().isoformat()


def ago(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives an instant shortly before."""
    low, high = recipe["ago"]
    moment = at - timedelta(hours=pools.random.uniform(low, high))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(recipe: Any, pools: Pools, known: Mapping[str, object], at: datetime) -> object:
    """Gives an instant some hours after that of the field `than`."""
    moment = datetime.fromisoformat(str(known[recipe["than"]]))
    return (moment + timedelta(hours=recipe["later"])).strftime("%Y-%m-%dT%H:%M:%SZ")


MAKERS = {
    "pick": pick,
    "pick_one": pick_one,
    "template": template,
    "range": whole,
    "log": spread,
    "fraction": fraction,
    "days": days,
    "ago": ago,
    "later": later,
}
