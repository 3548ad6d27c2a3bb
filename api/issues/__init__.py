"""What is wrong at a point: one open issue for each point and class, with its sightings."""
