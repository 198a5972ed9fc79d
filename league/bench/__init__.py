"""What `league bench` times: each module has `run(...) -> dict` and `lines(result)`."""
