"""A POST that is sent twice with the same `Idempotency-Key` is done once."""
