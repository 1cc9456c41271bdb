"""Everything that can happen in moderation; called by HTTP and by events alike."""
