"""Clocks from outside: what a host, a drum machine or the player's own hands say about tempo and place."""
