"""What the announcements look like to programs that are not ours."""
