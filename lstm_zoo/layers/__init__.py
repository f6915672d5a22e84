"""Recurrent layers of our own, faster on a CPU, with the weights, names and options of Keras'."""
