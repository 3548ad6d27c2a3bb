"""Working time and deadlines. Pure but for reading the office hours: no database, no clock of its own."""
