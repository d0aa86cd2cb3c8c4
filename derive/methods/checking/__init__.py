"""Tests of the statements of laws, noises, compressors and losses about themselves: symbolic, by quadrature, by draws."""
