"""The benchmarks behind `league bench`: each module has `run(...) -> dict` and `lines(result)`."""
