"""Expectations of methods and models without sampling: transition operators, backward equations, closed moments."""
