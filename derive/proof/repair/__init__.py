"""The smallest changes that make a refuted claim true."""
