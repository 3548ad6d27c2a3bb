"""Who is told what: the inbox, e-mail and webhooks, and the ticker that sees what falls due."""
