"""The exhibits of the museum: one guestbook, served through every gateway Python has had."""
