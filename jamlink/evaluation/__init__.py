"""How good the ideas are: every system and every baseline on the same music in the same run."""
