from bitwright.compress import Range
from bitwright.compress.sharing import separate_input, shared_ranges
from bitwright.importers.graph import Clamp, Concat, FloatGraph, Input, MaxPool2d

IMAGE = (2, 4, 4)


def clamp(name, source):
    return Clamp(name=name, inputs=(source,), shape=IMAGE)


def pool(name, source):
    return MaxPool2d(name=name, inputs=(source,), shape=IMAGE, kernel=(1, 1), stride=(1, 1))


def cat(name, *sources):
    return Concat(name=name, inputs=sources, shape=(2 * len(sources), 4, 4))


def graph(*nodes):
    return FloatGraph(nodes=(Input(name="x", inputs=(), shape=IMAGE), *nodes))


def ranges(**highs):
    return {name: Range(-1.0, float(high)) for name, high in highs.items()}


def test_pooling_has_the_range_of_its_input():
    shared = shared_ranges(graph(clamp("a", "x"), pool("p", "a")), ranges(x=1, a=5, p=3))
    assert shared == ranges(x=1, a=5, p=5)


def test_concat_and_all_it_joins_have_the_union():
    nodes = graph(clamp("a", "x"), clamp("b", "x"), cat("c", "a", "b"))
    shared = shared_ranges(nodes, ranges(x=1, a=5, b=3, c=5))
    assert shared == ranges(x=1, a=5, b=5, c=5)


def test_sharing_reaches_through_concat_and_pooling():
    nodes = graph(
        clamp("a", "x"), clamp("b", "x"), pool("p", "b"), cat("c", "a", "p"), cat("d", "c", "b")
    )
    shared = shared_ranges(nodes, ranges(x=1, a=2, b=9, p=4, c=5, d=6))
    assert shared == ranges(x=1, a=9, b=9, p=9, c=9, d=9)


def test_input_of_a_concat_changes_scale_first():
    separated = separate_input(graph(clamp("a", "x"), cat("c", "x", "a")))
    assert [node.name for node in separated.nodes] == ["x", "a", "c_in0", "c"]
    assert separated["c"].inputs == ("c_in0", "a")
    assert separated["c_in0"].inputs == ("x",)


def test_pooled_input_changes_scale_too():
    separated = separate_input(graph(clamp("a", "x"), pool("p", "x"), cat("c", "a", "p")))
    assert separated["c"].inputs == ("a", "c_in1")
    assert separated["c_in1"].inputs == ("p",)


def test_concat_of_layers_alone_is_as_before():
    nodes = graph(clamp("a", "x"), clamp("b", "x"), cat("c", "a", "b"))
    assert [node.name for node in separate_input(nodes).nodes] == ["x", "a", "b", "c"]
