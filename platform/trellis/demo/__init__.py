"""A made-up world for a package: its `demo/generate.json` played in order of time, from a seed."""
