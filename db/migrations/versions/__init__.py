"""One file per revision, named NUMBER_what_changes.py; numbers only grow."""
