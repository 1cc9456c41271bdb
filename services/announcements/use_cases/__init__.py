"""Everything that can happen to an announcement; called by HTTP and by events alike."""
