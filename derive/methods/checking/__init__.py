"""Whether what a law, a noise, a compressor or a loss says about itself is consistent: symbolically, by quadrature, by draws."""
