"""The sections of the page, one file each: a pure function from facts to a Section."""
