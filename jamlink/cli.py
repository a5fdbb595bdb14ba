"""The command line. Each command reads its words, calls one function, and turns trouble into one sentence.

Heavy things (a model, a web server, torch) are imported by the commands that need them, so that `jamlink --help` is
there at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jamlink import __version__
from jamlink.errors import JamlinkError, Nonsense, Unavailable
from jamlink.evaluation import tasks
from jamlink.session.settings import AccompanySettings

if TYPE_CHECKING:
    from jamlink.evaluation.result import Result

app = typer.Typer(
    name="jamlink",
    help="A band mate that thinks one phrase ahead. `jamlink jam` starts; `jamlink jam --demo` shows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
maps_app = typer.Typer(help="Controller maps: which pad does what.", no_args_is_help=True)
plugin_app = typer.Typer(help="The note plug-in for DAWs (LV2).", no_args_is_help=True)
ledger_app = typer.Typer(help="Session files: who played what, and whether the record is whole.", no_args_is_help=True)
bench_app = typer.Typer(help="How fast it is here, beside a bare baseline in the same run.", no_args_is_help=True)
corpus_app = typer.Typer(help="The music a model learns from.", no_args_is_help=True)
app.add_typer(maps_app, name="maps")
app.add_typer(plugin_app, name="plugin")
app.add_typer(ledger_app, name="ledger")
app.add_typer(bench_app, name="bench")
app.add_typer(corpus_app, name="corpus")

out = Console()
err = Console(stderr=True)

MAKERS = "Who makes the ideas: transformer, markov or rules."
AS_JSON = typer.Option("--json", help="Print one JSON object, last.")


class Accept(StrEnum):
    """Which idea of each hand a render takes."""

    best = "best"
    first = "first"
    random = "random"
    none = "none"


@contextmanager
def one_sentence() -> Iterator[None]:
    """Trouble that we know becomes one sentence and exit code 1; Ctrl-C leaves quietly."""
    try:
        yield
    except JamlinkError as trouble:
        err.print(f"[bold]jamlink:[/] {escape(str(trouble))}", soft_wrap=True, highlight=False, markup=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@contextmanager
def needing_torch() -> Iterator[None]:
    """A library of the train extra that is not there becomes `Unavailable` with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("jamlink"):
            raise
        raise Unavailable(
            f"This needs {missing.name}, which is not installed.", "Run: pip install 'jamlink[train]'"
        ) from None


def _listed(roles: str) -> tuple[str, ...]:
    return tuple(role.strip() for role in roles.split(","))


def _following(
    look_ahead: int | None, commit: int | None, listen: int | None, rest: int | None
) -> dict[str, int | None]:
    """Flags of the accompaniment; a commit that is longer than the usual look-ahead brings its own, and a look-ahead
    that is shorter than the usual commit, too."""
    usual = AccompanySettings()
    if look_ahead is None and commit is not None and commit > usual.look_ahead:
        look_ahead = commit
    elif commit is None and look_ahead is not None and look_ahead < usual.commit:
        commit = look_ahead
    said = {"look-ahead": look_ahead, "commit": commit, "listen": listen, "rest": rest}
    return {f"accompany.{name}": value for name, value in said.items()}


def _opens(said: bool | None) -> bool | None:
    """Whether a browser opens: as said; else as the settings have it, but never for a script or a pipe."""
    return said if said is not None or sys.stdout.isatty() else False


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"jamlink {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """Start here."""


@app.command()
def jam(
    demo: Annotated[
        bool, typer.Option("--demo", help="A bundled performance plays, so that the loop can be seen.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="One line per event instead of the full screen.")] = False,
    tempo: Annotated[str | None, typer.Option(help="Beats per minute, 40 to 240.", metavar="NUMBER")] = None,
    meter: Annotated[str | None, typer.Option(help="4/4, 3/4, 6/8 ...")] = None,
    bars: Annotated[str | None, typer.Option(help="Bars per idea: 1, 2, 4 or 8.", metavar="NUMBER")] = None,
    roles: Annotated[str | None, typer.Option(help="Any of chords,melody,bass.")] = None,
    key: Annotated[str | None, typer.Option(help="Lock the key: every note is of it. G, F#m.")] = None,
    repeat: Annotated[str | None, typer.Option(help="once, loop or 'keep going'.")] = None,
    count_in: Annotated[int | None, typer.Option(help="Bars counted in: 0, 1 or 2.")] = None,
    click: Annotated[str | None, typer.Option(help="off, count-in or on.")] = None,
    mode: Annotated[str | None, typer.Option(help="propose, trade or accompany.")] = None,
    look_ahead: Annotated[int | None, typer.Option(help="Accompany: beats that chords are thought of ahead.")] = None,
    commit: Annotated[int | None, typer.Option(help="Accompany: beats that they are promised ahead.")] = None,
    listen: Annotated[int | None, typer.Option(help="Accompany: beats that are yours before they begin.")] = None,
    rest: Annotated[int | None, typer.Option(help="Accompany: bars of silence that end it; 0 never.")] = None,
    input: Annotated[str | None, typer.Option("--in", help="Part of your keyboard's port name.")] = None,
    output: Annotated[str | None, typer.Option("--out", help="Part of your synth's or DAW's port name.")] = None,
    system: Annotated[str | None, typer.Option(help="auto, JACK, ALSA, CoreMIDI or Windows.")] = None,
    sync: Annotated[str | None, typer.Option(help="auto, 'MIDI clock', 'time code', playing or internal.")] = None,
    clock_in: Annotated[str | None, typer.Option(help="Part of the name of the port whose clock is followed.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Join an Ableton Link session, when there is one.")] = False,
    send_clock: Annotated[bool, typer.Option("--send-clock", help="Send MIDI clock, start and stop.")] = False,
    proposer: Annotated[str | None, typer.Option(help=MAKERS)] = None,
    model: Annotated[str | None, typer.Option(help="A folder of models/ or a path.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed and playing give the same ideas.")] = None,
    sessions: Annotated[Path | None, typer.Option(help="Folder for session files.")] = None,
    clips: Annotated[str | None, typer.Option(help="Folder for clips of what you take and capture, or off.")] = None,
    osc: Annotated[
        bool | None, typer.Option("--osc/--no-osc", help="Remote control by OSC, from this machine.")
    ] = None,
    daw: Annotated[str | None, typer.Option(help="Talk to live, reaper, bitwig or ardour by OSC.")] = None,
    play: Annotated[bool, typer.Option("--play", help="Start the clock at once.")] = False,
    terminal: Annotated[bool, typer.Option("--terminal", help="No page in the browser, the terminal alone.")] = False,
    open_page: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the page in the browser, or only say where it is.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The page's port; 0 takes the usual one, or any.")] = None,
    lan: Annotated[bool, typer.Option("--lan", help="Let a tablet in your network in, with a code.")] = False,
) -> None:
    """Jam: play, see ideas before the bar line, take one with one gesture."""
    from jamlink import app as house

    flags = {
        "session.tempo": tempo,
        "session.meter": meter,
        "session.bars": bars,
        "session.roles": _listed(roles) if roles else None,
        "session.key": key,
        "session.repeat": repeat,
        "session.count_in": count_in,
        "session.click": click,
        "session.mode": mode,
        "session.seed": seed,
        **_following(look_ahead, commit, listen, rest),
        "ports.input": input,
        "ports.output": output,
        "ports.system": system,
        "sync.source": sync,
        "sync.port": clock_in,
        "sync.link": link or None,
        "sync.send": send_clock or None,
        "model.proposer": proposer,
        "model.folder": model,
        "page.start": False if terminal else None,
        "page.open": _opens(open_page),
        "page.port": port,
        "page.lan": lan or None,
        "clips.folder": clips,
        "osc.on": osc,
        "bridge.daw": daw,
    }
    with one_sentence():
        if terminal and lan:
            raise Nonsense("A tablet needs the page.", "Leave --terminal or --lan out.")
        raise typer.Exit(house.jam(flags, sessions, demo=demo, plain=plain, play=play))


@app.command()
def ports(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """List the MIDI ports that can be used."""
    from jamlink import app as house

    with one_sentence():
        listing = house.ports()
        if as_json:
            print(json.dumps({"inputs": listing.inputs, "outputs": listing.outputs}))
            return
        for title, names in (("Hear from", listing.inputs), ("Play to", listing.outputs)):
            out.print(f"[bold]{title}[/]")
            for name in names or ("nothing is plugged in; jamlink opens ports of its own",):
                out.print(f"  {name}", highlight=False, markup=False)


@app.command()
def doctor(
    loopback: Annotated[
        bool, typer.Option("--loopback", help="Measure the way out and in again, and say which offset to set.")
    ] = False,
    input: Annotated[str, typer.Option("--in", help="With --loopback: hear on the port of this name.")] = "",
    output: Annotated[str, typer.Option("--out", help="With --loopback: play to the port of this name.")] = "",
    system: Annotated[str, typer.Option(help="auto, JACK, ALSA, CoreMIDI or Windows.")] = "auto",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Check Python, ports, loop-back latency, model and disk; each failing line says what to do."""
    from jamlink import app as house

    with one_sentence():
        if (input or output) and not loopback:
            raise Nonsense("Which ports to measure was said, but not to measure.", "Add --loopback.")
        checks = house.loopback(input, output, system) if loopback else house.doctor()
        if as_json:
            print(json.dumps([{"name": c.name, "ok": c.ok, "what": c.what, "remedy": c.remedy} for c in checks]))
        else:
            for check in checks:
                mark = "[green]ok  [/]" if check.ok else "[red]look[/]"
                said = escape(check.what if check.ok else f"{check.what} {check.remedy}")
                out.print(f"{mark} [bold]{check.name}[/]: {said}", highlight=False, soft_wrap=True)
        raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@app.command()
def render(
    source: Annotated[Path, typer.Argument(help="The musician's MIDI file.")],
    target: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    accept: Annotated[Accept, typer.Option(help="Which idea of each hand is taken.")] = Accept.best,
    bars: Annotated[str, typer.Option(help="Bars per idea: 1, 2, 4 or 8.", metavar="NUMBER")] = "4",
    key: Annotated[str, typer.Option(help="Lock the key: every note is of it. G, F#m.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 1,
    proposer: Annotated[str, typer.Option(help=MAKERS)] = "transformer",
    roles: Annotated[str, typer.Option(help="Any of chords,melody,bass.")] = "chords,melody,bass",
    mode: Annotated[str, typer.Option(help="propose, trade or accompany.")] = "propose",
    look_ahead: Annotated[int | None, typer.Option(help="Accompany: beats that chords are thought of ahead.")] = None,
    commit: Annotated[int | None, typer.Option(help="Accompany: beats that they are promised ahead.")] = None,
    listen: Annotated[int | None, typer.Option(help="Accompany: beats before they begin.")] = None,
    rest: Annotated[int | None, typer.Option(help="Accompany: bars of silence that end it; 0 never.")] = None,
    repeat: Annotated[str, typer.Option(help="once, loop or 'keep going'.")] = "once",
    model: Annotated[str, typer.Option(help="A folder of models/ or a path.")] = "jam-s",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Run a whole jam over a MIDI file, faster than real time, and write the result."""
    from jamlink import app as house

    with one_sentence():
        request = house.RenderRequest(
            source=source,
            target=target,
            accept=accept.value,
            bars=bars,
            key=key,
            seed=seed,
            proposer=proposer,
            roles=_listed(roles),
            mode=mode,
            repeat=repeat,
            model=model,
            accompany=_following(look_ahead, commit, listen, rest),
        )
        report = house.render(request)
        if as_json:
            print(json.dumps(report))
        else:
            for slot in report["slots"]:
                out.print(
                    f"bar {slot['bar']:>3}  {slot['verdict']:<9} {slot['proposer']:<8} {slot['chords']}",
                    highlight=False,
                )
            for bar in report["along"]:
                out.print(f"bar {bar['bar']:>3}  {', '.join(bar['by']):<19} {bar['chords']}", highlight=False)
            for doubt in report["doubts"]:
                out.print(doubt, highlight=False, markup=False, soft_wrap=True)
            out.print(f"Written to {target}; the session is {report['session']}.", highlight=False, soft_wrap=True)


@app.command()
def export(session: Path, target: Path) -> None:
    """Write a session as a MIDI file: a track for each player and role, tempo, meter and chord markers.

    A target that ends in .musicxml or .abc gets a lead sheet instead, in .ireal the chords as a link for iReal Pro, in
    .dawproject a project with a track for each player and role.
    """
    from jamlink import app as house

    with one_sentence():
        house.export(session, target)
        out.print(f"Written to {target}.", highlight=False, soft_wrap=True)


@app.command()
def replay(session: Path) -> None:
    """Play a session's inputs into a fresh session and compare everything it did."""
    from jamlink import app as house

    with one_sentence():
        verdict = house.replay(session)
        out.print(verdict.sentence, highlight=False, soft_wrap=True)
        raise typer.Exit(0 if verdict.same else 1)


@ledger_app.command("verify")
def ledger_verify(session: Path) -> None:
    """Recompute the hash chain and say whether the record is whole."""
    from jamlink.ledger.store import verify

    with one_sentence():
        verdict = verify(session)
        out.print(verdict.sentence, highlight=False, soft_wrap=True)
        raise typer.Exit(0 if verdict.whole else 1)


@ledger_app.command("show")
def ledger_show(session: Path) -> None:
    """Print every entry, one line each."""
    from jamlink.ledger.report import lines

    with one_sentence():
        for line in lines(session):
            print(line)


@ledger_app.command("report")
def ledger_report(session: Path) -> None:
    """Say who made which notes and what became of the ideas."""
    from jamlink.ledger.report import report

    with one_sentence():
        print(report(session))


@plugin_app.command("install")
def plugin_install(
    to: Annotated[Path | None, typer.Option(help="Another folder than the one where DAWs look.")] = None,
) -> None:
    """Build the plug-in and put it where DAWs look."""
    from jamlink.plugin.build import install

    with one_sentence():
        out.print(f"Installed as {install(to)}. Let your DAW scan its plug-ins.", soft_wrap=True)


@maps_app.command("list")
def maps_list() -> None:
    """List the controller maps and the devices that each one fits."""
    from jamlink import app as house

    with one_sentence():
        for found in house.maps():
            fits = ", ".join(found.ports) or "whatever no other map fits"
            out.print(f"[bold]{found.name}[/]  {fits}", highlight=False, soft_wrap=True)


@maps_app.command("check")
def maps_check(file: Path) -> None:
    """Check a map file."""
    from jamlink import app as house

    with one_sentence():
        checked = house.check_map(file)
        out.print(f"{file} is good: {checked}", highlight=False, soft_wrap=True)


@maps_app.command("learn")
def maps_learn(
    input: Annotated[str | None, typer.Option("--in", help="Part of the controller's port name.")] = None,
    target: Annotated[Path | None, typer.Option("-o", "--out", help="The map file to write.")] = None,
) -> None:
    """Write a map from what you press: press the pad you want for each action, or nothing to pass over it."""
    from jamlink import app as house

    with one_sentence():
        house.learn_map(input, target, lambda text: out.print(text, highlight=False, soft_wrap=True))


@bench_app.command("loop")
def bench_loop(
    messages: Annotated[int, typer.Option(help="How many notes make the round trip.")] = 10_000,
    minutes: Annotated[float, typer.Option(help="How long the memory test runs.")] = 1.0,
    presses: Annotated[int, typer.Option(help="How many hands of each kind are asked for.", min=1)] = 40,
    sixteenths: Annotated[int, typer.Option(help="On how many sixteenths a hand is asked for.", min=1)] = 1_000,
    beats: Annotated[int, typer.Option(help="How many beats are accompanied, for each promise.", min=16)] = 120,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """The note path beside a bare loop in the same run, and how soon ideas and chords come: alone, and through
    everything."""
    from jamlink import app as house

    with one_sentence():
        house.bench_loop(messages, minutes, presses, sixteenths, beats, as_json)


@bench_app.command("engine")
def bench_engine(
    rounds: Annotated[int, typer.Option(help="How often each engine is asked.", min=1)] = 9,
    model: Annotated[str, typer.Option(help="A folder of models/ or a path.")] = "jam-s",
    sizes: Annotated[str, typer.Option(help="Random networks beside it, in millions of weights: 3, 10, 25.")] = "10",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """The network: 1 and 16 ideas of 64 words, every engine on the same weights in the same run."""
    from jamlink import app as house

    with one_sentence():
        house.bench_engine(rounds, model, sizes, as_json)


@bench_app.command("page")
def bench_page(
    quick: Annotated[bool, typer.Option("--quick", help="A little of everything, in half a minute.")] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """The page: start, keys, decisions, smoothness, and whether the music notices; in a headless Chromium."""
    from jamlink import app as house

    with one_sentence():
        house.bench_page(quick, as_json)


@app.command(name="eval")
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


def _show_result(result: Result) -> None:
    out.print(result.table())
    for note in result.notes:
        out.print(note, highlight=False, markup=False, soft_wrap=True)


def _aside(line: str) -> None:
    """Progress, where it does not mix with what was asked for."""
    err.print(line, highlight=False, markup=False, soft_wrap=True)


@corpus_app.command("build")
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
    from jamlink import app as house
    from jamlink.training.corpus import Wanted

    with one_sentence():
        names = _listed(sources) if sources else ()
        wanted = Wanted(data, tuple(music or ()), names, share_alike, evaluation)
        rows = house.build_corpus(wanted, target, workers, _aside)
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


@corpus_app.command("index")
def corpus_index(
    corpus: Annotated[Path, typer.Option(help="The folder of a packed corpus.")],
    target: Annotated[Path, typer.Option("--out", help="The folder of the index: a model's, or models/originality.")],
) -> None:
    """Make the index that tells how near an idea comes to the music a model learnt from."""
    from jamlink import app as house

    with one_sentence():
        path = house.index_corpus(corpus, target, _aside)
        out.print(f"Written to {path}.", soft_wrap=True)


@corpus_app.command("check-labels")
def corpus_check_labels(
    data: Annotated[Path | None, typer.Option(help="The folder with MANIFEST.toml; else the shared music.")] = None,
    songs: Annotated[int, typer.Option(help="How many pieces of each set are drawn; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """How far the chord analyser agrees with people (When in Rome, TAVERN), and people with one another."""
    with one_sentence(), needing_torch():
        from jamlink.evaluation.labels import evaluate as judge

        result = judge(data=data, seed=seed, songs=songs, say=_aside)
        if as_json:
            print(result.as_json())
        else:
            _show_result(result)


@app.command()
def train(
    recipe: Annotated[Path, typer.Option(help="models/NAME/recipe.toml")],
    corpus: Annotated[Path | None, typer.Option(help="A packed corpus; none for a benchmark's own recipe.")] = None,
    run: Annotated[Path | None, typer.Option(help="Where the state is saved; the same folder resumes.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Make the schedule end in this time.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a model from a recipe; stops and resumes where it was."""
    from jamlink import app as house

    with one_sentence():
        house.train(recipe, corpus, run, minutes, device)


def run() -> None:
    """The console script."""
    sys.exit(app())
