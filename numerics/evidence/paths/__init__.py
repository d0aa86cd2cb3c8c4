"""Theorems along simulated paths, where no means are known without sampling."""
