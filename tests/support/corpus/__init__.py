"""The claims of the tests, true and false, in the notation of a claim file."""
