"""What happened in a stretch of time: figures, bulletins (通报), registers, repeats and talks (约谈)."""
