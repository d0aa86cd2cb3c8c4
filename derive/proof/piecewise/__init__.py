"""Expressions with kinks and jumps: equal wherever they have values, or different at a point."""
