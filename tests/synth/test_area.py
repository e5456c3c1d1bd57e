from bitwright.synth import ModuleArea, Resources, area_tree


def area(path: str, luts: int, ffs: int = 0) -> ModuleArea:
    return ModuleArea(path=path, resources=Resources(luts=luts, ffs=ffs, dsps=0, brams=1))


MODULES = [
    area("", 5),
    area("core.array", 1),
    area("core.array.pe_0_0", 10, 3),
    area("core.array.pe_0_1", 11, 4),
    area("core.walker", 30),
    area("registers", 40),
]


def test_tree_is_in_order_of_size_below_each_module() -> None:
    tree = area_tree(MODULES)
    assert [(branch.depth, branch.name, branch.instances) for branch in tree] == [
        (0, "(top)", 1),
        (1, "core", 1),
        (2, "walker", 1),
        (2, "array", 1),
        (3, "pe_*", 2),
        (1, "registers", 1),
    ]


def test_totals_hold_what_lies_inside_and_own_areas_add_up() -> None:
    tree = {branch.path: branch for branch in area_tree(MODULES)}
    assert tree["core.array.pe_*"].own == Resources(luts=21, ffs=7, dsps=0, brams=2)
    assert tree["core.array"].total == Resources(luts=22, ffs=7, dsps=0, brams=3)
    assert tree["core"].own.luts == 0
    assert tree["core"].total.luts == 52
    assert tree[""].total == sum(
        (branch.own for branch in tree.values()), Resources(luts=0, ffs=0, dsps=0, brams=0)
    )
    assert tree[""].total.luts == 97
