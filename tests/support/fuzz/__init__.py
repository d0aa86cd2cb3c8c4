"""Random claims, specifications and certificates, and what must not come of them.

Every case is drawn from the seed, its kind and its number alone, so that one that failed is made again by itself:
`cases("specs", spec, 7, 417, 1)` of `watch`.

A fault is an exception that no input may cause, a time past the limit of the case by more than a second, memory above 2 GiB, a
message that is more than one line or has control characters, or a certificate that is accepted and states what fails in a model.
"""
