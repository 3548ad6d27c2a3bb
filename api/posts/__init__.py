"""The posts that answer (责任到岗、到人): title, unit, who holds it, who stands in, whom it answers to."""
