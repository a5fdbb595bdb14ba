"""Who makes ideas. Each file is one proposer; they share only `base`, `critics` and the core's types."""
