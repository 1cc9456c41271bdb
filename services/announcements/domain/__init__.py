"""What an announcement is, and what may become of it."""
