"""Worst cases of methods over classes of functions (performance estimation), with exact certificates."""
