"""The SDE of a distributed stochastic optimiser, derived exactly and symbolically. `import sdescent` offers it to users."""

if __name__ != "sdescent.derive":
    raise ImportError("there is no package derive: import sdescent.derive")
