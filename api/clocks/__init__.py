"""Working time and deadlines. Pure but for reading its data files: no database, no clock of its own."""
