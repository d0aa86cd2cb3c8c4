"""The SDE of a distributed stochastic optimiser, derived exactly and symbolically. `import sdescent` offers it to users."""
