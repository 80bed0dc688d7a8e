"""jsonata-python raises the recursion limit when imported; Hypothesis minds when a test does it."""

import jsonata

assert jsonata
