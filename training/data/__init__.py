"""Labelled pictures as data: checked, taken in from other tools, handed out to them, and described.

Runs in the core environment: nothing in here may import torch, or a module that does.
"""
