"""Tests of what laws, noises, compressors and losses state about themselves: symbolic, by quadrature, by sampling."""
