"""Mutants of what the catalogue proves: no false one may come out proved.

A mutant is a step of a derivation with one thing changed: the sign of a term, a constant (halved, a hundredth), a power, the
direction or the strictness of the relation, a premise left out. It is tried with the search and the kernel, and with the
certificate of the original. What it is, true or false, is decided apart from both: over its atoms as free real variables, by
exact points and by z3. A step says that its claim follows from its premises for any values of the atoms, so that is what
true means here. Rules other than `certify` make their claim from their data: there, the mutant is tried from the claim itself
and the premises. A ball is about one variable, and its mutants are evaluated at points.
"""
