"""The points that are watched: place, category, responsible post; import and export."""
