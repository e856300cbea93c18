"""`python -m nextpick`."""

from nextpick.cli import main

main()
