"""The command `sdescent`: it reads the options, and turns every failure into a message and an exit status.

Typer only reads the options: a command is a function without a body, whose arguments are its options. Calling it returns a job,
which `main` runs, so that no error of ours passes through a library that would print it in its own way. Nothing heavy is
imported before it is needed.

Of a user's code, only these files are executed: those of `--load`, those that a TOML file names under `plugins`, and installed
plugins (`sdescent.derive.vocabulary.plugin_loading`).

Exit status: 0 done; 1 the object asked for does not exist (a refusal), is refuted or invalid, or a check fails; 2 bad input, or a
file that cannot be read or written; 3 undecided, no closed form, or nothing found; 4 numbers contradict a proof; 70 a bug, here or
in a library that computes wrong values; 130 interrupted; 141 the reader of the output has gone.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib import import_module
from typing import Annotated, Any, cast

import typer
import typer.main

from sdescent.derive.vocabulary.errors import BadInput, Refusal, WrongArithmetic
from sdescent.derive.vocabulary.files import forget_inputs
from sdescent.derive.vocabulary.subprocesses import exhausted, require_space
from sdescent.numerics.backend.kept_programs import ask, store
from sdescent.reports.commands.garbage import collect_rarely
from sdescent.reports.commands.streams import drop_output, prepare_streams, say, usage
from sdescent.reports.store.files import one_line, one_line_os_error

REFUSED, BAD_INPUT, BUG, INTERRUPTED, HUNG_UP = 1, 2, 70, 130, 141
#: bytes of memory that symbolic commands need; JAX asks for more (`sdescent.numerics.backend.double`)
LEAST_SPACE = 2**29
# Some versions of Typer have their own copy of click and others import it; this is the class of its usage errors in both.
_UsageError = cast(type[Exception], typer.BadParameter.__base__)

Job = Callable[[], int]

# Help texts are Rich's markup, in which a bracket is written \[.
app = typer.Typer(
    name="sdescent",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a stochastic optimiser to its SDE: derived symbolically, with bounds that a kernel checks, solved beside "
    "the real method, reported in LaTeX.",
    epilog="Specs are NAME or NAME:KEY=VALUE,KEY=VALUE, as in rand-k:k=2 or student-t:nu=3,sigma=1/2; "
    "the command list shows them all.",
)


def _option(metavar: str, text: str, flags: str = "") -> Any:
    """An option with a value. Its flag is the name of the argument unless other flags are given, separated by spaces."""
    return typer.Option(*flags.split(), metavar=metavar, help=text)


def _flag(flag: str, text: str) -> Any:
    """An option without a value."""
    return typer.Option(flag, help=text)


def _argument(metavar: str, text: str) -> Any:
    return typer.Argument(metavar=metavar, help=text)


_Text = str | None
_Texts = list[str] | None

_Json = Annotated[bool, _flag("--json", "Print JSON on standard output.")]
_Load = Annotated[_Texts, _option("FILE.py", "First run a Python file with pieces of your own (repeatable).", "--load")]
_Schedule = Annotated[_Text, _option("U", "Step-size schedule: one, power:p=1/2 or free (one).")]
_Certificate = Annotated[_Text, _option("PATH", "Where to write the certificate (beside FILE).")]
_Seconds = Annotated[str, _option("S", "About how many seconds it may take, up to 600.")]
_Clients = Annotated[_Text, _option("N", "How many clients: a whole number, or the symbol N.")]


def _command(module: str, name: str = "") -> Callable[[Callable[..., None]], Callable[..., Job]]:
    """Register a command by its options. Its job is the function called `name` (by default the command's name) in `module`.

    The options are the job's arguments. The files of `load` and `plugins` are executed first; only `plugins` is passed on.
    """

    def register(options: Callable[..., None]) -> Callable[..., Job]:
        @app.command(options.__name__.strip("_"))
        @wraps(options)
        def command(**arguments: Any) -> Job:
            files = arguments.pop("load", None) or arguments.get("plugins") or ()

            def work() -> int:
                require_space(LEAST_SPACE, "sdescent")
                for path in files:
                    import_module("sdescent.derive.vocabulary.plugin_loading").load(path)
                job = getattr(import_module(f"sdescent.reports.commands.{module}"), name or options.__name__)
                return job(**arguments)

            return work

        return command

    return register


def _show_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("sdescent"))
        except PackageNotFoundError:
            print("not installed: the version is in pyproject.toml")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@_command("report_derive_list")
def report(
    spec: Annotated[_Text, _argument("SPEC.toml", "A problem of your own to report on.")] = None,
    out: Annotated[str, _option("DIR", "The folder to write.", "-o --out")] = "report",
    quick: Annotated[
        bool, _flag("--quick", "Fewer paths, settings and seeds; README.md says how long it takes.")
    ] = False,
    only: Annotated[_Text, _option("SECTION", "One section of the report.")] = None,
    data: Annotated[_Texts, _option("NAME=DIR", "Data of your own copy: cifar10=DIR, its binary version.")] = None,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Derive, solve, compare and print: report.tex, report.pdf (with TeX), report.html, parts and figures."""


@_command("report_derive_list")
def derive(
    method: Annotated[str, _argument("METHOD", "dsgd, adamw, ... (see list), or FILE.toml with an update rule.")],
    compressor: Annotated[_Text, _option("C", "What clients send, for dcsgd: rand-k:k=2, qsgd:s=4, ...")] = None,
    noise: Annotated[_Text, _option("Z", "Gradient noise: gaussian:sigma=1/2, student-t:nu=3, ... (none)")] = None,
    clients: _Clients = None,
    dim: Annotated[_Text, _option("D", "Write out D coordinates, 1 to 64 (without: any dimension).")] = None,
    model: Annotated[_Text, _option("M", "first-order, second-order or corrected (first-order).")] = None,
    loss: Annotated[_Text, _option("F", "quadratic:h=1|2, quartic, cosh, ... (left unspecified)")] = None,
    schedule: _Schedule = None,
    regime: Annotated[_Text, _option("R", "ballistic, batch-equivalent, fixed, ..., for methods with memory.")] = None,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Derive the SDE of a method: drift, covariance, and the conditions under which they exist."""


@_command("scaling")
def scaling(
    method: Annotated[str, _argument("METHOD", "dsgd, adamw, ... (see list), or FILE.toml with an update rule.")],
    regime: Annotated[_Text, _option("R", "ballistic, batch-equivalent, fixed, ... (the method's first)")] = None,
    noise: Annotated[
        _Text, _option("Z", "Gradient noise with a symbol for its scale (the file's, or gaussian).")
    ] = None,
    compressor: Annotated[_Text, _option("C", "What clients send.")] = None,
    clients: Annotated[_Text, _option("N", "How many clients (the symbol N).")] = None,
    schedule: _Schedule = None,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Solve for the scaling rules of a method: how its constants change with the batch size so that its SDE stays the same."""


@_command("check_claim_replay_export")
def check(
    ids: Annotated[_Texts, _argument("ID", "Entries of the catalogue (all).")] = None,
    certificates: Annotated[_Text, _option("DIR", "Write a certificate of each proof to this folder.")] = None,
    latex: Annotated[_Text, _option("FILE.tex", "Write proofs in words, of entries that a file states.")] = None,
    markdown: Annotated[_Text, _option("FILE.md", "The same as Markdown.")] = None,
    verify: Annotated[
        bool, _flag("--verify", "Also compare the entries with numbers, which may take an hour.")
    ] = False,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Check the theorem catalogue step by step: proved with certificates, refuted with exact counterexamples."""


@_command("check_claim_replay_export")
def claim(
    file: Annotated[str, _argument("FILE.toml", "variables, assume, claim and hints.")],
    certificate: _Certificate = None,
    no_repair: Annotated[bool, _flag("--no-repair", "Do not look for repairs of a refuted claim.")] = False,
    repair_seconds: Annotated[str, _option("S", "About how many seconds to look for repairs, up to 600.")] = "10",
    as_json: _Json = False,
) -> None:
    """Prove or refute an inequality of your own; a refuted one is shown with the smallest repairs found."""


@_command("prove_and_suggest")
def prove(
    file: Annotated[str, _argument("FILE.toml", "method, assume, V, claim and conclude.")],
    certificate: _Certificate = None,
    rocq: Annotated[_Text, _option("FILE.v", "Write the proof for Rocq to this file.")] = None,
    latex: Annotated[_Text, _option("FILE.tex", "Write statement and proof in words, for a paper.")] = None,
    markdown: Annotated[_Text, _option("FILE.md", "The same as Markdown.")] = None,
    seconds: _Seconds = "60",
    no_repair: Annotated[bool, _flag("--no-repair", "Do not look for nearby theorems if it is not proved.")] = False,
    verify: Annotated[
        bool, _flag("--verify", "Also compare the theorem with numbers: the SDE, the method, outside the condition.")
    ] = False,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Prove or refute a theorem of your own about a method or its SDE: a bound on a step, and what follows at the horizon."""


@_command("prove_and_suggest")
def suggest(
    file: Annotated[str, _argument("FILE.toml", "method and assume; V if you like, no claim.")],
    out: Annotated[_Text, _option("DIR", "Write the theorems and certificates here.", "-o --out")] = None,
    steps: Annotated[_Text, _option("N", "Give the exact worst case of N steps, at the numbers of the file.")] = None,
    seconds: _Seconds = "60",
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Search for bounds of a method under your assumptions: decay, step condition and floor, each theorem proved."""


@_command("prove_and_suggest")
def tune(
    file: Annotated[str, _argument("FILE.toml", "A theorem with a claim at the horizon.")],
    over: Annotated[str, _option("LETTER", "The constant to choose, such as eta.")] = "eta",
    certificate: _Certificate = None,
    seconds: _Seconds = "60",
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Choose the step size, or another constant, for which the bound of a theorem is least, and prove the bound there."""


@_command("auditing")
def audit(
    file: Annotated[str, _argument("FILE.toml", r"A method, and in \[claimed] an SDE stated for it.")],
    latex: Annotated[bool, _flag("--latex", "Print a paragraph of LaTeX for a referee's letter.")] = False,
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Audit an SDE that somebody states for an update rule: does it agree to its weak order, and if not, which terms are wrong?"""


@_command("check_claim_replay_export")
def replay(
    certificate: Annotated[str, _argument("CERTIFICATE.json", "Written by check, claim, prove or suggest.")],
    as_json: _Json = False,
) -> None:
    """Check a certificate again, with independent code: what was proved, from which assumptions and axioms."""


@_command("check_claim_replay_export")
def export(
    certificate: Annotated[str, _argument("CERTIFICATE.json", "Written by check, claim, prove or suggest.")],
    out: Annotated[str, _option("FILE.v", "The file to write.", "-o --out")],
    outcomes: Annotated[str, _option("KIND", "Outcomes: any, probability-space or finite-draws.")] = "any",
    as_json: _Json = False,
) -> None:
    """Write a certificate's proof for the Rocq proof assistant."""


@_command("solving.command")
def solve(
    spec: Annotated[str, _argument("SPEC.toml", "A problem with eta, T, x0, paths, ... (docs/command-line.md).")],
    out: Annotated[str, _option("DIR", "The folder to write.", "-o --out")] = "solved",
    load: _Load = None,
    as_json: _Json = False,
) -> None:
    """Run the method and its models for an experiment of your own: paths or statistics, estimates, figures."""


@_command("sweeping.command")
def sweep(
    spec: Annotated[str, _argument("SPEC.toml", r"An experiment with a table \[sweep] (docs/howto/sweeps.md).")],
    overrides: Annotated[_Texts, _argument("KEY=V1,V2", "Values in place of the file's: eta=0.1,0.05.")] = None,
    out: Annotated[str, _option("DIR", "The folder to write.", "-o --out")] = "swept",
    jobs: Annotated[_Text, _option("N", "Tasks at a time (one for each processor); with slurm, shares.")] = None,
    shard: Annotated[_Text, _option("I/N", "Only the I-th of N shares of the points, for job arrays.")] = None,
    executor: Annotated[str, _option("E", "processes, dask, dask:ADDRESS or slurm.")] = "processes",
    dry_run: Annotated[bool, _flag("--dry-run", "Say what would be done, and how long it may take.")] = False,
    status: Annotated[bool, _flag("--status", "Say how much of the study is done.")] = False,
    plugins: _Load = None,
    as_json: _Json = False,
) -> None:
    """Run a study: an experiment at every point of a grid, here or on a cluster; tables, figures, one file per point."""


@_command("measuring")
def measure(
    spec: Annotated[
        str, _argument("FILE.toml", "The method, clients, batch, eta, steps, sampling, ... (docs/howto/measure.md).")
    ],
    models: Annotated[_Texts, _option("FILE.py", "The Python file with loss, params and data.", "--load")] = None,
    out: Annotated[str, _option("DIR", "The folder to write.", "-o --out")] = "measured",
    quick: Annotated[bool, _flag("--quick", "Fewer points, draws and runs.")] = False,
    as_json: _Json = False,
) -> None:
    """Measure noise and curvature along a run of your own JAX model; say which theorems hold there, and forecast the loss."""


@_command("report_derive_list", "list_registered")
def list_(load: _Load = None, as_json: _Json = False) -> None:
    """List methods, compressors, noises, losses, schedules and statistics, with the values that they accept."""


@_command("doctor", "run")
def doctor(as_json: _Json = False) -> None:
    """Show what is installed on this machine, and which outputs need something that is missing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: the program's own) and return the exit status."""
    args = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    fail = partial(_fail, "--json" in args)
    forget_inputs()
    if arguments is None:  # run as a program, not called from Python
        collect_rarely()
        ask()  # before anything imports JAX
    if not prepare_streams():
        return fail(BAD_INPUT, "standard output: found closed; accepted: an open stream to print to")
    try:
        try:
            job = app(args, standalone_mode=False, prog_name="sdescent")
            status = cast(Job, job)() if callable(job) else int(job or 0)
            sys.stdout.flush()
            return status
        except BadInput as error:
            return fail(BAD_INPUT, error.message, error.field, error.column)
        except Refusal as error:
            return _refuse("--json" in args, error)
        except _UsageError as error:
            return fail(BAD_INPUT, *usage(error, args, app))
        except KeyboardInterrupt:
            status = _interrupted()
            if arguments is None:  # threads that are still compiling would crash the interpreter at exit
                drop_output()
                store()
                os._exit(status)
            return status
    except BrokenPipeError:
        return _hang_up()
    except WrongArithmetic as error:
        return fail(BUG, error.message, error.library)
    except BaseException as error:
        if exhausted(error):
            remedy = "out of memory: use fewer paths or a smaller dimension, or raise a limit (ulimit -v)"
            return fail(BAD_INPUT, remedy, "paths")
        if isinstance(error, OSError):
            drop_output()
            name = None if error.filename is None else one_line(os.fsdecode(error.filename), 200)
            return fail(BAD_INPUT, one_line_os_error(error), name)
        broken = import_module("sdescent.derive.vocabulary.plugin_loading").broken_by(error)
        if broken is not None:
            return fail(BAD_INPUT, broken.message, broken.field)
        if isinstance(error, SystemExit):  # raised by a library because the reader of the output has gone
            return _hang_up()
        if isinstance(error, (KeyboardInterrupt, typer.Abort)):
            return _interrupted()
        import traceback

        traceback.print_exc()
        return fail(BUG, one_line(f"internal error, please report it: {type(error).__name__}: {error}"))


def _fail(as_json: bool, status: int, message: str, field: str | None = None, column: int | None = None) -> int:
    """Print the message on one line of stderr, or as JSON on stdout, and return the status."""
    if as_json:
        # The output itself may have failed; then only the exit status can tell.
        with contextlib.suppress(OSError):
            print(json.dumps({"error": message, "field": field, "column": column}), flush=True)
    else:
        say(one_line(message, 10_000))
    return status


def _refuse(as_json: bool, refusal: Refusal) -> int:
    if as_json:
        print(json.dumps({"refused": refusal.kind, "message": refusal.message, "term": refusal.term}), flush=True)
    else:
        say(f"refused ({refusal.kind}): {one_line(refusal.message, 1000)}")
    return REFUSED


def _interrupted() -> int:
    say("interrupted; finished work is kept, and the same command continues from there")
    return INTERRUPTED


def _hang_up() -> int:
    drop_output()
    return HUNG_UP


if __name__ == "__main__":
    sys.exit(main())
