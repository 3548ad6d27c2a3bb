"""Cameras and recordings: from a source to frames, from frames to stays, from stays to what is wrong where.

Reading is at the rim (`source.py`, `stills.py`, `ffmpeg.py`); clocks, zones, gates and stays are pure: they take what
they need to know, the time included, and look nothing up.
"""
