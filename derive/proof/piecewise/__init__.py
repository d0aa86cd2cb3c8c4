"""Expressions with kinks and jumps: equal wherever they have values, or a point where they differ."""
