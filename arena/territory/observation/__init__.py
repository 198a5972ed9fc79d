"""What a seat is shown: the three views, the scalars, the public facts."""
