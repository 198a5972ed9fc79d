"""What users see of a league; importing it loads neither torch, numba, scipy nor matplotlib."""
