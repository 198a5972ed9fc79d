"""A recorded match as a film: in a page for the browser, on a terminal, as a GIF or a video."""
