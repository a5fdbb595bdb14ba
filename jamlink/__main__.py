"""`python -m jamlink` is `jamlink`."""

from jamlink.cli import run

run()
