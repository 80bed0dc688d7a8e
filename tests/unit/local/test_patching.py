"""The launcher refuses a MiniStack that it does not know."""

from types import ModuleType

import pytest

from tableferry.local.launcher import patching
from tableferry.local.launcher.patching import GapError


def greet() -> str:
    return "good morning"


@pytest.fixture
def module() -> ModuleType:
    made = ModuleType("stock")
    made.__file__ = __file__
    made.__dict__["greet"] = greet
    return made


def test_function_it_knows_is_replaced(module: ModuleType) -> None:
    original = patching.replace(
        module, "greet", lambda: "good night", digest=patching.source_digest(greet)
    )
    assert (original(), module.greet()) == ("good morning", "good night")


def test_changed_function_is_refused(module: ModuleType) -> None:
    with pytest.raises(GapError, match=r"stock\.greet has changed"):
        patching.replace(module, "greet", lambda: "good night", digest="0" * 12)
    assert module.greet() == "good morning"


def test_missing_function_is_refused(module: ModuleType) -> None:
    with pytest.raises(GapError, match="is not there any more"):
        patching.replace(module, "leave", lambda: None, digest="0" * 12)


def test_text_it_knows_is_substituted(module: ModuleType) -> None:
    patching.substitute(module, "greet", {'"good morning"': '"good night"'})
    assert module.greet() == "good night"


def test_text_that_is_not_there_is_refused(module: ModuleType) -> None:
    with pytest.raises(GapError, match="is not there once"):
        patching.substitute(module, "greet", {'"good evening"': '"good night"'})


@pytest.mark.parametrize("installed", ["1.5.32", "1.5.34", "2.0.0"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: installed)
    with pytest.raises(GapError, match=f"ministack {installed} is installed, the launcher mends"):
        patching.require_version()


def test_installed_version_is_the_pinned_one() -> None:
    patching.require_version()
