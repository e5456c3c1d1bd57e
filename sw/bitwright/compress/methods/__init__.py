"""The quantization methods: one file each, with its source."""
