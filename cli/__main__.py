"""`python -m cli` is `pointwatch`."""

from cli import main

main()
