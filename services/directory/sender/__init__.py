"""What the directory does by itself, at its time."""
