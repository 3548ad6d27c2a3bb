"""One module a format: each turns what another tool wrote into `Batch`, and none knows our classes.

A format module trusts nothing it reads: names climb nowhere, numbers are finite, sizes are limited, and what cannot
be taken is left out with its place and the reason. A picture with an object whose box cannot be had is left out
whole, for without the box the object would be taught as background.
"""
