"""`python -m trellis`: the command line."""

from trellis.cli import main

main()
