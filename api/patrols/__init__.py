"""Patrols: rounds open or secret, visits with checklists, which points are due, and the mock score."""
