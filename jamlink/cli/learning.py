"""`jamlink corpus`, `train` and `eval`: what a model learns from, how it is taught, and how good it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jamlink.cli.saying import AS_JSON, err, one_sentence, out
from jamlink.errors import Nonsense, Unavailable
from jamlink.evaluation import tasks
from jamlink.flags import listed

if TYPE_CHECKING:
    from jamlink.evaluation.result import Result

corpus = typer.Typer(help="The music a model learns from.", no_args_is_help=True)


@corpus.command("build")
def corpus_build(
    target: Annotated[Path, typer.Option("--out", help="The folder that the corpus goes into.")],
    data: Annotated[Path | None, typer.Option(help="The folder with MANIFEST.toml.")] = None,
    music: Annotated[
        list[Path] | None, typer.Option(help="A folder of your own: MIDI, MusicXML, ABC. May be said again.")
    ] = None,
    share_alike: Annotated[bool, typer.Option("--share-alike", help="Read the share-alike sets too.")] = False,
    sources: Annotated[str | None, typer.Option(help="These sets of the manifest alone: a,b")] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="Music whose relatives are left out; else data-eval beside --data.")
    ] = None,
    workers: Annotated[int, typer.Option(help="How many files are read at once; 0 is one a processor.")] = 0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Parse, deduplicate, split and pack the music a model learns from."""
    from jamlink.app import training
    from jamlink.training.corpus import Wanted

    with one_sentence():
        names = listed(sources) if sources else ()
        wanted = Wanted(data, tuple(music or ()), names, share_alike, evaluation)
        rows = training.build_corpus(wanted, target, workers, _aside)
        if as_json:
            print(json.dumps(rows))
            return
        _show_counts(rows)
        out.print(f"Written to {target}; report.txt there says why each file was left out.", soft_wrap=True)


_COUNTED = ("pieces", "bars", "notes", "chords", "tokens", "held out")


def _show_counts(rows: Sequence[Mapping[str, Any]]) -> None:
    """The sets that were read as a table, then what was left out: of each set, and sets as a whole."""
    table = Table(title="What was read", box=None, padding=(0, 1, 0, 0))  # fits eighty columns, nothing cut
    table.add_column("source", no_wrap=True)
    for name in ("pieces", "bars", "notes", "chords", "words", "held out"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in (row for row in rows if row["files"]):
        table.add_row(row["source"], *(f"{row[name]:,}" for name in _COUNTED))
    table.add_row("all", *(f"{sum(row[name] for row in rows):,}" for name in _COUNTED), style="bold")
    out.print(table)
    out.print("Left out:", style="bold")
    for row in (row for row in rows if row["left out"]):
        why = "; ".join(f"{reason}: {count:,}" if row["files"] else reason for reason, count in row["left out"].items())
        out.print(f"{row['source']}  {escape(why)}", highlight=False, soft_wrap=True)


@corpus.command("index")
def corpus_index(
    packed: Annotated[Path, typer.Option("--corpus", help="The folder of a packed corpus.")],
    target: Annotated[Path, typer.Option("--out", help="The folder of the index: a model's, or models/originality.")],
) -> None:
    """Make the index that tells how near an idea comes to the music a model learnt from."""
    from jamlink.app import training

    with one_sentence():
        path = training.index_corpus(packed, target, _aside)
        out.print(f"Written to {path}.", soft_wrap=True)


@corpus.command("check-labels")
def corpus_check_labels(
    data: Annotated[Path | None, typer.Option(help="The folder with MANIFEST.toml; else the shared music.")] = None,
    songs: Annotated[int, typer.Option(help="How many pieces of each set are drawn; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """How far the chord analyser agrees with people (When in Rome, TAVERN), and people with one another."""
    with one_sentence(), _needing_torch():
        from jamlink.evaluation.labels import evaluate as judge

        result = judge(data=data, seed=seed, songs=songs, say=_aside)
        if as_json:
            print(result.as_json())
        else:
            _show_result(result)


def train(
    recipe: Annotated[Path, typer.Option(help="models/NAME/recipe.toml")],
    corpus: Annotated[Path | None, typer.Option(help="A packed corpus; none for a benchmark's own recipe.")] = None,
    run: Annotated[Path | None, typer.Option(help="Where the state is saved; the same folder resumes.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Make the schedule end in this time.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a model from a recipe; stops and resumes where it was."""
    from jamlink.app import training

    with one_sentence():
        training.train(recipe, corpus, run, minutes, device)


def evaluate(
    task: Annotated[str, typer.Argument(help=f"One of {', '.join((*tasks.TASKS, tasks.ALL))}.")],
    data: Annotated[
        Path | None, typer.Option(help="A folder of lead sheets (MIDI, MusicXML, ABC); else the task's own set.")
    ] = None,
    model: Annotated[str, typer.Option(help="A folder of models/ or a path; '' leaves the model out.")] = "jam-s",
    songs: Annotated[int, typer.Option(help="How many songs are drawn; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws and plays the same.")] = 0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """How good the ideas are, beside every baseline in the same run, with 95 % intervals by song."""
    with one_sentence():
        found, lacking = [], {}
        for name in (names := tasks.names_of(task)):
            try:
                found.append(tasks.evaluate(name, data=data, model=model, seed=seed, songs=songs, say=_aside))
            except (Nonsense, Unavailable) as trouble:
                if len(names) == 1:
                    raise
                lacking[name] = str(trouble)
                err.print(f"[bold]{name}[/]: {escape(lacking[name])}", soft_wrap=True, highlight=False)
                continue
            if not as_json:
                _show_result(found[-1])
        if as_json:
            rows = [json.loads(result.as_json()) for result in found]
            print(json.dumps(rows[0] if len(names) == 1 else {"tasks": rows, "not_run": lacking}))
        raise typer.Exit(1 if lacking else 0)


@contextmanager
def _needing_torch() -> Iterator[None]:
    """A library of the train extra that is not there becomes `Unavailable` with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("jamlink"):
            raise
        raise Unavailable(
            f"This needs {missing.name}, which is not installed.", "Run: pip install 'jamlink[train]'"
        ) from None


def _aside(line: str) -> None:
    """Progress, where it does not mix with what was asked for."""
    err.print(line, highlight=False, markup=False, soft_wrap=True)


def _show_result(result: Result) -> None:
    out.print(result.table())
    for note in result.notes:
        out.print(note, highlight=False, markup=False, soft_wrap=True)
