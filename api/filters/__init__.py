"""Choices of issues that somebody looks at again and again, kept under a name for them alone."""
