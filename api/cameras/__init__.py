"""Cameras that are watched: where they are, what their zones say, how they fare, and what they told."""
