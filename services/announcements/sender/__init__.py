"""What announcements says to others than our services, and asks of them."""
