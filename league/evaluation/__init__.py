"""One member among seats of one kind, in our engine or in another: plan, run, text."""
