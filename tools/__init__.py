"""What the project's own development needs, besides the servers."""
