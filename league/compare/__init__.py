"""Two families compared over several training seeds: training, equals, matches, answer, text."""
