"""What `check` says of each operator."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from bitwright.importers import Status, check


class Function(nn.Module):
    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.modules_ = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.modules_)


def images():
    return torch.zeros(2, 4, 9, 9)


def reports(*modules):
    return check(nn.Sequential(*modules).eval(), images())


def unsupported(*modules):
    return [r for r in reports(*modules) if r.status is Status.UNSUPPORTED]


def test_every_operator_is_listed_in_order():
    found = reports(
        nn.Conv2d(4, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(72, 10),
        nn.Softmax(1),
    )
    assert [(r.name, r.operator, str(r.status), r.why) for r in found] == [
        ("0", "aten.conv2d.default", "mapped", "as Conv2d"),
        ("1", "aten.batch_norm.default", "folded", "into 0"),
        ("2", "aten.relu.default", "folded", "into 0"),
        ("3", "aten.dropout.default", "folded", "does nothing in evaluation mode"),
        ("4", "aten.max_pool2d.default", "mapped", "as MaxPool2d"),
        ("5", "aten.flatten.using_ints", "mapped", "as Flatten"),
        ("6", "aten.linear.default", "mapped", "as Linear"),
        (
            "7",
            "aten.softmax.int",
            "host",
            "the network gives its input; the host applies it if need be",
        ),
    ]
    assert all(r.suggestion == "" for r in found)


def test_fused_addition_says_into_which_convolution():
    found = check(Function(lambda x, a: a(x) + x, nn.Conv2d(4, 4, 1)), images())
    assert [(str(r.status), r.why) for r in found] == [
        ("mapped", "as Conv2d"),
        ("folded", "into modules_.0"),
    ]


def test_batch_norm_that_cannot_fold_says_why():
    (report,) = reports(nn.BatchNorm2d(4))
    assert report.status is Status.MAPPED
    assert "1x1 depthwise Conv2d: no convolution or linear layer before it" in report.why


UNSUPPORTED = {
    "sigmoid": (nn.Sigmoid(), "look-up table", "applied on the host"),
    "tanh": (nn.Tanh(), "look-up table", "Hardtanh"),
    "gelu": (nn.GELU(), "look-up table", "ReLU"),
    "silu": (nn.SiLU(), "look-up table", "ReLU"),
    "hardswish": (nn.Hardswish(), "multiplies two activations", "ReLU"),
    "leaky relu": (nn.LeakyReLU(), "keeps part of the negative values", "ReLU"),
    "prelu": (nn.PReLU(), "keeps part of the negative values", "ReLU"),
    "transposed conv": (nn.ConvTranspose2d(4, 4, 2), "overlapping windows", "on the host"),
    "softmax inside": (
        nn.Sequential(nn.Softmax(1), nn.ReLU()),
        "softmax inside the network",
        "last operator",
    ),
    "average pool without padding": (
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        "count_include_pad=False",
        "count_include_pad=True",
    ),
    "average pool ceil": (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode=True", "windows fit"),
    "uneven adaptive pool": (
        nn.AdaptiveAvgPool2d(4),
        "4x4 outputs of a 9x9 input",
        "divides the input's",
    ),
    "uneven adaptive max pool": (nn.AdaptiveMaxPool2d((3, 2)), "unequal size", "divides"),
    "group norm": (nn.GroupNorm(2, 4), "mean and variance from each image", "BatchNorm2d"),
    "layer norm": (nn.LayerNorm(9), "mean and variance from each image", "BatchNorm2d"),
    "instance norm": (nn.InstanceNorm2d(4), "mean and variance from each image", "BatchNorm2d"),
    "batch statistics": (
        nn.BatchNorm2d(4, track_running_stats=False),
        "statistics of the batch",
        "model.eval()",
    ),
    "upsample": (nn.Upsample(scale_factor=2), "interpolates", "on the host"),
    "linear on an image": (nn.Linear(9, 2), "its layer takes (N, C)", "flatten(1)"),
    "add a number": (Function(lambda x: x + 1), "its other is a constant", "into a bias"),
    "add a scaled tensor": (
        Function(lambda x: torch.add(x, x.relu(), alpha=2)),
        "alpha scales an operand",
        "scale the layer",
    ),
    "add a smaller tensor": (
        Function(lambda x: x + x.mean((2, 3), keepdim=True)),
        "repeats an operand",
        "one shape",
    ),
    "multiply": (Function(lambda x: x * x.relu()), "multiplies two activations", "BatchNorm2d"),
    "scale": (Function(lambda x: x / 2), "scales by something", "BatchNorm2d"),
    "cat of rows": (Function(lambda x: torch.cat([x, x], 2)), "along axis 2", "cat(..., 1)"),
    "mean over channels": (Function(lambda x: x.mean(1)), "averages over the axes [1]", "H and W"),
    "mean over all": (Function(lambda x: x.mean()), "reduces to a number", "H and W"),
    "permute": (Function(lambda x: x.permute(0, 2, 3, 1)), "between the axes", "flatten(1)"),
    "slice": (Function(lambda x: x[:, :2]), "takes out part", "groups="),
    "reshape across the batch": (
        Function(lambda x: x.reshape(1, -1)),
        "reshapes across the batch",
        "flatten(1)",
    ),
    "reading a reshape": (
        Function(lambda x: x.view(2, 4, 81) + x.view(2, 4, 81)),
        "reads a reshape of (N, 4, 9, 9) to (N, 4, 81)",
        "flatten(1)",
    ),
    "clamp to tensors": (
        Function(lambda x: torch.clamp(x, torch.zeros(9), torch.ones(9))),
        "differ from element to element",
        "two numbers",
    ),
    "reflection pad": (nn.ReflectionPad2d(1), "other than zeros", "pad with zeros"),
    "crop": (nn.ZeroPad2d(-1), "cuts a border off", "positive"),
    "max pool of a padded image": (
        nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)),
        "reads an image padded with zeros",
        "pad in the convolution",
    ),
    "weight from an activation": (
        Function(lambda x: functional.conv2d(x, functional.adaptive_avg_pool2d(x, 3))),
        "computed from activations",
        "parameter of the module",
    ),
    "indices": (
        Function(lambda x: functional.max_pool2d(x, 2, return_indices=True)[1]),
        "second result",
        "first result",
    ),
    "cast": (Function(lambda x: x.double()), "casts torch.float32 to torch.float64", "throughout"),
    "unknown": (Function(torch.special.erfcx), "no counterpart", "cut the model"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_unsupported_operator_has_reason_and_suggestion(case):
    module, why, suggestion = UNSUPPORTED[case]
    first = unsupported(nn.ReLU(), module)[0]
    assert why in first.why
    assert suggestion in first.suggestion


def test_training_mode_is_named():
    program = torch.export.export(
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout()).train(), (images(),)
    )
    found = [r for r in check(program) if r.status is Status.UNSUPPORTED]
    assert [r.name for r in found] == ["1", "2"]
    assert all("model.eval()" in r.suggestion for r in found)


def test_operators_behind_an_unsupported_one_are_still_judged():
    found = reports(nn.Conv2d(4, 4, 3), nn.Sigmoid(), nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2))
    assert [str(r.status) for r in found] == ["mapped", "unsupported", "mapped", "folded"]


def test_activation_behind_an_unsupported_operator_is_not_folded_into_it():
    found = reports(nn.Conv2d(4, 4, 3), nn.Sigmoid(), nn.ReLU())
    assert [str(r.status) for r in found] == ["mapped", "unsupported", "mapped"]


def test_convolution_read_by_an_unsupported_operator_keeps_its_own_output():
    module = Function(lambda x, a: (lambda y: y.relu() + y.sigmoid())(a(x)), nn.Conv2d(4, 4, 1))
    found = check(module, images())
    assert [str(r.status) for r in found] == ["mapped", "mapped", "unsupported", "mapped"]
