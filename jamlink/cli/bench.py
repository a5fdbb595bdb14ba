"""`jamlink bench`: how fast it is here."""

from __future__ import annotations

from typing import Annotated

import typer

from jamlink.cli.saying import AS_JSON, one_sentence

bench = typer.Typer(help="How fast it is here, beside a bare baseline in the same run.", no_args_is_help=True)


@bench.command("loop")
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
    from jamlink.app import benches

    with one_sentence():
        benches.bench_loop(messages, minutes, presses, sixteenths, beats, as_json)


@bench.command("engine")
def bench_engine(
    rounds: Annotated[int, typer.Option(help="How often each engine is asked.", min=1)] = 9,
    model: Annotated[str, typer.Option(help="A folder of models/ or a path.")] = "jam-s",
    sizes: Annotated[str, typer.Option(help="Random networks beside it, in millions of weights: 3, 10, 25.")] = "10",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """The network: 1 and 16 ideas of 64 words, every engine on the same weights in the same run."""
    from jamlink.app import benches

    with one_sentence():
        benches.bench_engine(rounds, model, sizes, as_json)


@bench.command("page")
def bench_page(
    quick: Annotated[bool, typer.Option("--quick", help="A little of everything, in half a minute.")] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """The page: start, keys, decisions, smoothness, and whether the music notices; in a headless Chromium."""
    from jamlink.app import benches

    with one_sentence():
        benches.bench_page(quick, as_json)
