"""How long a photo takes, measured against the field's usual way."""
