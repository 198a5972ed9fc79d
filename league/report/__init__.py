"""What people see of a league: state from the database, then screen, JSON, SVG or plain lines.

Importing it loads neither torch nor numba nor numpy: a report must answer at once.
"""
