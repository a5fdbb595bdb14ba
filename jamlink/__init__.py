"""jamlink: a band mate that thinks one phrase ahead and asks before it plays."""

__version__ = "0.1.0"
