"""The network: its shape, its weights on disk, and (with torch) itself."""
