"""Applications for many tests: what is the same in each is made once, or when it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from trellis.app import create_app
from trellis.runtime import Platform

BUILD = Rule._compile_builder


class KeptTemplates(BytecodeCache):
    """Keeps what templates were compiled to."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills in what is known; Jinja compares it with the template."""
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps it."""
        self.known[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = KeptTemplates()


def build_when_asked(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    """Gives what makes addresses of a rule, compiled for the first address: hardly a test makes
    any, and Werkzeug takes most of an application's start to compile all of them."""
    made: list[Callable[..., Any]] = []

    def build(*args: Any, **values: Any) -> Any:
        if not made:
            made.append(BUILD(rule, append_unknown))
        return made[0](*args, **values)

    return build


def make_app(platform: Platform) -> Flask:
    """Makes the application of a platform."""
    Rule._compile_builder = build_when_asked  # type: ignore[method-assign]
    try:
        app = create_app(platform.settings, platform=platform)
    finally:
        Rule._compile_builder = BUILD  # type: ignore[method-assign]
    app.jinja_env.bytecode_cache = TEMPLATES
    return app
