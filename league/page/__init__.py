"""A league as one page: read, put into words and drawn, as a file that anybody can open."""
