"""Review cases and their timers: managers, moderators, silence."""
