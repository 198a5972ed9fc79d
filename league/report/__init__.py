"""What people see of a league; importing it loads neither torch nor numba nor numpy."""
