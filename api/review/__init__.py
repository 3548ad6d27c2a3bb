"""Doubtful detections before people: in Label Studio or through our own API; what they say decides and teaches."""
