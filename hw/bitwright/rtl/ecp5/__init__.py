"""Arithmetic mapped by hand to the cells of the ECP5: carry chains and multiplier blocks.

Widths in LUT sites are of the mapped netlist; a CCU2C cell takes two. The portable twins stand in
`bitwright.rtl.multiplier` and `bitwright.rtl.pe`; tests/rtl shows each pair equal.
"""
