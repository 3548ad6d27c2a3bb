"""The log of everything that was done: rows are only ever added, each carries the hash of the one before it."""
