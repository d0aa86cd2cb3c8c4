"""Faults in the package as a user sees it: its names, its files, what counts as its own code."""

from tests.support.faults.fault import table

FAULTS = table([
    ("a name under another name is not found", "sdescent/lazy.py", "tests/sdescent/test_face.py", "(line[1], line[3])",
     "(line[1], line[-1])"),
    ("a name that is not offered is None", "sdescent/lazy.py", "tests/sdescent/test_face.py",
     "if key not in homes:\n            raise AttributeError(", "if key not in homes:\n            return str("),
    ("a file for suggest is read as a problem", "sdescent/toml_files.py", "tests/sdescent/test_face.py",
     'and "claims" not in keys', 'and "claim" in keys'),
    ("an audit is read as a problem", "sdescent/toml_files.py", "tests/sdescent/test_face.py", 'if "claimed" in keys:',
     'if "stated" in keys:'),
    ("an experiment is read as a problem", "sdescent/toml_files.py", "tests/sdescent/test_face.py",
     "if keys & set(SOLVING) else", "if False else"),
    ("a theorem is looked up by half of its id", "derive/theorems/catalogue.py", "tests/sdescent/test_face.py",
     "if id not in by_id and id not in of_files:", "if False:"),
    ("derive can be imported twice", "derive/__init__.py", "tests/test_package.py",
     'if __name__ != "sdescent.derive":', "if False:"),
    ("the source of reports does not count", "reports/store/cache.py", "tests/test_package.py",
     '"sdescent.numerics", "sdescent.reports")', '"sdescent.numerics")'),
    ("our own code is a plugin", "derive/vocabulary/plugin_loading.py",
     "tests/derive/vocabulary/test_plugin_loading.py", 'if top == "sdescent":', 'if top == "derive":'),
    ("a class of the user's is not tested", "derive/methods/checking/required.py",
     "tests/derive/methods/test_checking.py tests/derive/methods/test_checking_compressors.py",
     'kind.__module__.startswith("sdescent.derive.")', 'kind.__module__.startswith("")'),
])  # fmt: skip
