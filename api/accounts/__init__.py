"""Who may do what: API keys, sign-in and the door that every request passes."""
