"""docs/quantization.md says what the code does."""

import doctest
from pathlib import Path

from bitwright.compress.recipe import read_recipe

PAGE = Path(__file__).parents[2] / "docs" / "quantization.md"


def test_every_example_gives_what_it_shows():
    text = PAGE.read_text()
    test = doctest.DocTestParser().get_doctest(text, {}, "quantization.md", str(PAGE), 0)
    assert len(test.examples) > 10
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_recipe_shown_is_one():
    (text,) = [block.split("```")[0] for block in PAGE.read_text().split("```toml\n")[1:]]
    assert [step.name for step in read_recipe(text).steps] == ["calibrate", "quantize", "adaround"]
