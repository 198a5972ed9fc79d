"""The live screen: seven panels drawn from a state, hosted by Textual, beside a running league."""
