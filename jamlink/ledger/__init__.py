"""The record of a session: append-only, chained by hashes, written before the screen says so."""
