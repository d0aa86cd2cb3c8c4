"""Expectations of methods and models without sampling: transition operators, backward equations and closed moments."""
