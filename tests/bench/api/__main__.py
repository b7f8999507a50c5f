"""`python -m tests.bench.api [PARTS] [--deals N] [--rounds N]`: prints the comparison."""

from __future__ import annotations

from tests.bench.api.comparison import main

if __name__ == "__main__":
    main()
