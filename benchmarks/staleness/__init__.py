"""What an old taste costs inside a sitting: moments, methods, and how the curve is shown."""
