"""Builders: `build(input_shape, outputs, *, …) -> keras.Model`, uncompiled, one file each."""
