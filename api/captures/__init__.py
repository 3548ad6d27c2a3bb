"""Photos that have been sent: accepted durably, queued, processed once in effect."""
