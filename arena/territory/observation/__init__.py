"""What a seat sees: the three views, the scalars, the public facts."""
