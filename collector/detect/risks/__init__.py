"""What will hurt users, and when."""
