"""The application: Flask and Flask-AppBuilder around the metadata engine."""

import rule_engine

if getattr(rule_engine, "__product__", None) != "trellis":
    raise ImportError(
        f"the package rule_engine at {rule_engine.__file__} is not the one of Trellis: "
        "the unrelated distribution rule-engine is installed over it. "
        "Run `pip uninstall rule-engine`, then install Trellis again."
    )
