"""Labels to a model: sources, splits, teachers, training, evaluation, export, the card.

The only room that may import torch and ultralytics. Nothing here runs at serving time.
"""
