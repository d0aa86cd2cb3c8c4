"""Files on disk: results under keys that cover everything on which they depend, and atomic writing of files."""
