"""Every mapped operator against torch, in both of torch's dialects."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bitwright.importers import (
    ProgramError,
    UnsupportedError,
    check,
    export,
    import_program,
)
from bitwright.importers.execute import run
from bitwright.importers.graph import AvgPool2d, Clamp, Conv2d, Flatten, Linear, MaxPool2d


class Function(nn.Module):
    """A module that applies a function, with modules of its own for it to use."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.modules_ = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.modules_)


def images(channels=3, size=8, count=4):
    generator = torch.Generator().manual_seed(channels + size)
    return torch.randn(count, channels, size, size, generator=generator)


def seeded(module):
    """The module with random parameters and running statistics, in evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=generator) / 2)
                if name.endswith("running_var"):
                    value.copy_(value.abs() + 0.1)
    return module.eval()


CASES = {
    "conv": lambda: nn.Conv2d(3, 4, 3),
    "conv without bias": lambda: nn.Conv2d(3, 4, 3, bias=False),
    "conv stride padding dilation": lambda: nn.Conv2d(3, 4, (3, 2), (2, 1), (2, 1), (1, 2)),
    "conv same even kernel": lambda: nn.Conv2d(3, 4, (4, 3), padding="same"),
    "conv valid": lambda: nn.Conv2d(3, 4, 3, padding="valid"),
    "conv grouped": lambda: nn.Conv2d(3, 6, 3, groups=3),
    "conv after zero padding": lambda: nn.Sequential(
        nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(3, 4, 3, padding=1)
    ),
    "average pool after zero padding": lambda: nn.Sequential(
        nn.ZeroPad2d((1, 0, 2, 1)), nn.AvgPool2d(2)
    ),
    "batch norm after conv": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
    "batch norm without affine": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)
    ),
    "batch norm alone": lambda: nn.BatchNorm2d(3),
    "batch norm after pool": lambda: nn.Sequential(nn.MaxPool2d(2), nn.BatchNorm2d(3)),
    "batch norm 1d": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(192, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.BatchNorm1d(5)
    ),
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5)),
    "linear without bias": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5, bias=False)),
    "relu": lambda: nn.ReLU(),
    "relu in place": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
    "relu6": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6()),
    "hardtanh": lambda: nn.Hardtanh(-0.5, 0.75),
    "clamp": lambda: Function(lambda x: x.clamp(-0.25, 0.5)),
    "clamp one side": lambda: Function(lambda x: x.clamp(max=0.5).clamp(min=-0.25)),
    "clamps apart": lambda: Function(lambda x: x.clamp(0, 1).clamp(2, 3)),
    "activation of a convolution read twice": lambda: Function(
        lambda x, a: (lambda y: y.clamp(max=0.1) + y)(a(x).relu()), nn.Conv2d(3, 3, 1)
    ),
    "max pool": lambda: nn.MaxPool2d(3, 2, padding=1),
    "max pool dilated": lambda: nn.MaxPool2d(2, 1, dilation=2),
    "max pool ceil": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "max pool ceil dilated": lambda: nn.MaxPool2d(2, 2, dilation=2, ceil_mode=True),
    "max pool ceil padded": lambda: nn.MaxPool2d((3, 2), (2, 3), padding=1, ceil_mode=True),
    "adaptive max pool": lambda: nn.AdaptiveMaxPool2d((4, 2)),
    "pool then relu": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU()),
    "average pool": lambda: nn.AvgPool2d(2),
    "average pool padded": lambda: nn.AvgPool2d(3, 2, padding=1),
    "average pool divisor": lambda: nn.AvgPool2d(2, divisor_override=3),
    "average pool ceil that fits": lambda: nn.AvgPool2d(2, ceil_mode=True),
    "adaptive average pool": lambda: nn.AdaptiveAvgPool2d((2, 4)),
    "global average pool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "mean": lambda: Function(lambda x: x.mean((2, 3))),
    "mean negative axes": lambda: Function(lambda x: x.mean([-1, -2], keepdim=True)),
    "mean squeezed": lambda: Function(lambda x: x.mean((2, 3), True).squeeze(3).squeeze(-1)),
    "add": lambda: Function(lambda x, a, b: a(x) + b(x), nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)),
    "add in place": lambda: Function(lambda x, a: a(x).add_(x), nn.Conv2d(3, 3, 1)),
    "add to itself": lambda: Function(lambda x, a: (lambda y: y + y)(a(x)), nn.Conv2d(3, 3, 1)),
    "add then relu": lambda: Function(lambda x, a: (a(x) + x).relu(), nn.Conv2d(3, 3, 1)),
    "relu then add": lambda: Function(lambda x, a: a(x).relu() + x, nn.Conv2d(3, 3, 1)),
    "add three": lambda: Function(lambda x, a: a(x) + x + x, nn.Conv2d(3, 3, 1)),
    "cat": lambda: Function(lambda x, a: torch.cat([a(x), x, x], 1), nn.Conv2d(3, 4, 1)),
    "cat vectors": lambda: Function(
        lambda x, a: torch.cat([a(x.flatten(1)), x.mean((2, 3))], -1), nn.Linear(192, 5)
    ),
    "flatten": lambda: nn.Flatten(),
    "view": lambda: Function(lambda x: x.view(x.shape[0], -1)),
    "reshape and back": lambda: Function(lambda x: x.reshape(-1, 3, 64).reshape(-1, 3, 8, 8) + x),
    "dropout": lambda: nn.Sequential(nn.Dropout(), nn.Conv2d(3, 4, 3), nn.Dropout2d()),
    "identity": lambda: nn.Sequential(nn.Identity(), nn.Conv2d(3, 4, 3), nn.Identity()),
    "shared module": lambda: Function(lambda x, a: a(a(x)), nn.Conv2d(3, 3, 1)),
}


def assert_equal(found, expected):
    assert found.shape == expected.shape
    # Folding is float64, as is the run: what is left is the order of a few additions.
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_graph_equals_torch(case):
    # Something after it, so that a program that only moves data is one too.
    module = seeded(nn.Sequential(CASES[case](), nn.ReLU()))
    found = run(import_program(module, images()), images().double())
    with torch.no_grad():
        assert_equal(found, module.double()(images().double()))


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_decomposed_program_equals_torch():
    """All cases side by side in one program, in core ATen."""

    def forward(x, *branches):
        return torch.cat([branch(x).flatten(1).relu() for branch in branches], 1)

    module = seeded(Function(forward, *(build() for build in CASES.values())))
    program = export(module, images()).run_decompositions()
    found = run(import_program(program), images().double())
    with torch.no_grad():
        assert_equal(found, module.double()(images().double()))


def test_parameters_computed_from_parameters():
    """As weight normalisation has them; in the program's float32."""
    module = seeded(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)))
    with torch.no_grad():
        expected = module(images())
    assert torch.allclose(run(import_program(module, images()), images()), expected, atol=1e-5)


def nodes(module, x=None):
    return import_program(seeded(module), images() if x is None else x).nodes


def kinds(module):
    return [type(node).__name__ for node in nodes(module)]


def test_batch_norm_folds_into_weight_and_bias():
    module = seeded(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    conv, norm = module
    _, folded = import_program(module, images()).nodes
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = conv.weight.double() * factor[:, None, None, None]
    bias = (conv.bias.double() - norm.running_mean.double()) * factor + norm.bias.double()
    # float64 holds the products of float32 factors to the last few of its own bits.
    np.testing.assert_allclose(folded.weight, weight.detach().numpy(), rtol=1e-14)
    np.testing.assert_allclose(folded.bias, bias.detach().numpy(), rtol=1e-12)


def test_batch_norm_on_a_convolution_that_is_read_twice_stays_apart():
    module = Function(
        lambda x, a, n: (lambda y: n(y) + y)(a(x)), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    )
    _, _, norm = nodes(module)
    assert isinstance(norm, Conv2d)
    assert norm.groups == 4
    assert norm.weight.shape == (4, 1, 1, 1)
    assert len(norm.inputs) == 2


def test_batch_norm_without_linear_layer_is_a_diagonal_one():
    module = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.BatchNorm1d(192))
    last = nodes(module)[-1]
    assert isinstance(last, Linear)
    assert np.array_equal(np.diag(np.diag(last.weight)), last.weight)


def test_activation_moves_before_the_pooling():
    _, conv, pool = nodes(nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU6()))
    assert (conv.low, conv.high) == (0.0, 6.0)
    assert (pool.low, pool.high) == (-np.inf, np.inf)


def test_clamps_that_do_not_meet_are_one_number():
    _, clamp = nodes(Function(lambda x: x.clamp(2, 3).clamp(0, 1)))
    assert (clamp.low, clamp.high) == (1.0, 1.0)


def test_activation_after_a_pooled_input_is_in_the_pooling():
    _, pool = nodes(nn.Sequential(nn.MaxPool2d(2), nn.ReLU()))
    assert isinstance(pool, MaxPool2d)
    assert pool.low == 0.0


def test_activation_beside_another_reader_stays_apart():
    module = Function(lambda x, a: (lambda y: y.relu() + y)(a(x)), nn.Conv2d(3, 4, 3))
    assert kinds(module) == ["Input", "Conv2d", "Clamp", "Add"]


def test_addition_fuses_into_the_later_convolution():
    module = Function(lambda x, a, b: a(x) + b(x), nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3))
    _, first, second = nodes(module)
    assert (first.name, second.name) == ("modules_.0", "modules_.1")
    assert second.inputs == ("x", first.name)


def test_addition_fuses_into_a_convolution_before_its_residual():
    module = Function(
        lambda x, a: (lambda y: torch.nn.functional.max_pool2d(x, 3, 1, 1) + y)(a(x)),
        nn.Conv2d(3, 3, 3, padding=1),
    )
    assert kinds(module) == ["Input", "MaxPool2d", "Conv2d"]


def test_addition_of_a_clamped_convolution_stays_apart():
    assert kinds(Function(lambda x, a: a(x).relu() + x, nn.Conv2d(3, 3, 1))) == [
        "Input",
        "Conv2d",
        "Add",
    ]


def test_addition_of_a_convolution_that_is_read_twice_stays_apart():
    module = Function(lambda x, a: (lambda y: torch.cat([y + x, y], 1))(a(x)), nn.Conv2d(3, 3, 1))
    assert kinds(module) == ["Input", "Conv2d", "Add", "Concat"]


def test_flatten_keeps_channels_first():
    _, flat, _ = nodes(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))
    assert isinstance(flat, Flatten)
    assert flat.shape == (192,)


def test_even_kernel_with_same_padding_pads_more_behind():
    _, conv = nodes(nn.Conv2d(3, 4, (4, 2), padding="same"))
    assert conv.padding == (1, 0, 2, 1)


def test_global_average_pool_has_the_input_as_window():
    _, pool = nodes(nn.AdaptiveAvgPool2d(1))
    assert isinstance(pool, AvgPool2d)
    assert (pool.kernel, pool.divisor) == ((8, 8), 64)


def test_layers_are_named_by_their_modules():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
            self.conv = nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return functional.relu(torch.cat([self.conv(self.features(x))] * 2, 1))

    names = [node.name for node in nodes(Net())]
    assert names == ["x", "features.0", "features.2", "conv", "cat", "relu_1"]


def test_in_place_operator_on_a_tensor_that_is_read_elsewhere():
    def forward(x, conv):
        y = conv(x)
        torch.relu_(y)
        return torch.cat([y, x], 1)

    module = seeded(Function(forward, nn.Conv2d(3, 3, 1)))
    x = images()
    found = run(import_program(module, x), x.double())
    assert torch.allclose(found, module.double()(x.double()))


def test_in_place_operator_is_seen_through_an_earlier_view():
    def forward(x, conv):
        y = conv(x)
        view = y.flatten(1)
        y.relu_()
        return view

    module = seeded(Function(forward, nn.Conv2d(3, 3, 1)))
    found = run(import_program(module, images()), images().double())
    assert torch.allclose(found, module.double()(images().double()))


def test_in_place_operator_through_a_view_is_seen():
    """The activation also changes y: refused, because it happens in another shape."""

    def forward(x, conv):
        y = conv(x)
        y.view(-1, 192).relu_()
        return y + x

    with pytest.raises(UnsupportedError, match=r"reads a reshape of \(N, 192\)"):
        nodes(Function(forward, nn.Conv2d(3, 3, 1)))


def test_dynamic_batch():
    module = seeded(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)))
    program = torch.export.export(
        module, (images(),), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    assert import_program(program).output.shape == (2,)


def test_exporting_restores_each_training_flag():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    module[1].eval()
    export(module, images())
    assert [m.training for m in module.modules()] == [True, True, False]


def test_one_example_image_is_enough():
    module = seeded(Function(lambda x: x.mean((2, 3), True).squeeze()))
    assert isinstance(import_program(module, images(count=1)).output, Flatten)


def test_numpy_example_of_float64():
    assert import_program(nn.Conv2d(3, 4, 3), np.zeros((1, 3, 8, 8))).output.shape == (4, 6, 6)


def test_standalone_clamp_of_the_input():
    _, clamp = nodes(nn.ReLU())
    assert isinstance(clamp, Clamp)


@pytest.mark.parametrize(
    ("module", "x", "message"),
    [
        (nn.Identity(), images(), "computes nothing from its input"),
        (Function(lambda x: x.relu().view(-1, 3, 64)), images(), r"result \(N, 3, 64\) is a resh"),
        (nn.Sequential(nn.ReLU(), nn.ZeroPad2d(1)), images(), r"result \(N, 3, 10, 10\) is a resh"),
        (Function(lambda x: (x + x, x)), images(), "gives 2 results"),
        (nn.Conv2d(3, 4, 3), images(channels=2), "torch cannot export this Conv2d .*2, 2, 8, 8"),
        (nn.Conv2d(3, 4, 3), torch.zeros(0, 3, 8, 8), "N > 0"),
        (nn.Linear(4, 2), torch.zeros(2, 3, 4), r"has the shape \(N, 3, 4\)"),
    ],
    ids=["identity", "reshape", "padding", "two results", "wrong channels", "empty", "sequence"],
)
def test_program_that_is_no_network(module, x, message):
    with pytest.raises(ProgramError, match=message):
        import_program(module, x)


def test_two_inputs_are_refused():
    class Two(nn.Module):
        def forward(self, x, y):
            return x + y

    program = torch.export.export(Two(), (images(), images()))
    with pytest.raises(ProgramError, match="input 'y': a network takes one tensor"):
        import_program(program)


def test_dynamic_image_size_is_refused():
    program = torch.export.export(
        nn.Conv2d(3, 4, 3), (images(),), dynamic_shapes=({2: torch.export.Dim("height", min=4)},)
    )
    with pytest.raises(ProgramError, match="known at run time only; let the batch alone"):
        import_program(program)


def test_module_without_example():
    with pytest.raises(ProgramError, match="needs an example input"):
        check(nn.Conv2d(3, 4, 3))


def test_something_else_is_no_program():
    with pytest.raises(ProgramError, match="a dict is no program"):
        check({})


def test_unsupported_error_lists_every_operator():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.Conv2d(4, 4, 1), nn.GELU())
    with pytest.raises(UnsupportedError) as caught:
        import_program(module, images())
    assert [report.name for report in caught.value.reports] == ["1", "3"]
    assert "2 unsupported operators" in str(caught.value)
    assert "look-up table" in str(caught.value)


def test_weights_that_are_not_finite_are_named():
    module = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        module.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(UnsupportedError, match="its weight holds a value that is not finite"):
        import_program(nn.Sequential(module), images())
