"""Rendered street scenes with exact boxes: pictures of violations nobody had to photograph.

Needs Blender's Python module (`bpy`) only where something is built or rendered; `boxes`, `finish` and `spray` are
plain numpy and Pillow and import without it.
"""
