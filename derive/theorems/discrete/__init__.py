"""The methods themselves, whose time is steps: what the theorems on their SDEs say, with the constants that the steps have."""
