"""Faults in the package as a user sees it: its names, its files, what counts as its own code."""

from __future__ import annotations

from tests.support.faults.fault import Fault

_FACE, _PACKAGE = ("tests/sdescent/test_face.py",), ("tests/test_package.py",)

FAULTS: tuple[Fault, ...] = (
    Fault("a name under another name is not found", "sdescent/lazy.py", "(line[1], line[3])", "(line[1], line[-1])", _FACE),
    Fault("a name that is not offered is None", "sdescent/lazy.py", "if key not in homes:\n            raise AttributeError(",
          "if key not in homes:\n            return str(", _FACE),
    Fault("a file for suggest is read as a problem", "sdescent/toml_files.py",
          'and "claims" not in keys', 'and "claim" in keys', _FACE),
    Fault("an audit is read as a problem", "sdescent/toml_files.py", 'if "claimed" in keys:', 'if "stated" in keys:', _FACE),
    Fault("an experiment is read as a problem", "sdescent/toml_files.py", "if keys & set(SOLVING) else", "if False else", _FACE),
    Fault("a theorem is looked up by half of its id", "sdescent/checks.py", "if entry not in catalogue:", "if False:", _FACE),
    Fault("derive can be imported twice", "derive/__init__.py", 'if __name__ != "sdescent.derive":', "if False:", _PACKAGE),
    Fault("the source of reports does not count", "reports/store/cache.py", '"sdescent.numerics", "sdescent.reports")',
          '"sdescent.numerics")', _PACKAGE),
    Fault("our own code is a plugin", "derive/vocabulary/plugin_loading.py", 'if top == "sdescent":', 'if top == "derive":',
          ("tests/derive/vocabulary/test_plugin_loading.py",)),
    Fault("a class of the user's is not tested", "derive/methods/checking/required.py",
          'kind.__module__.startswith("sdescent.derive.")', 'kind.__module__.startswith("")',
          ("tests/derive/methods/test_checking.py", "tests/derive/methods/test_checking_compressors.py")),
)  # fmt: skip
