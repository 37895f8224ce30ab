"""Reading addresses: parts by label, same place beside peers, and what one match costs."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from rich.console import Console
from rich.table import Table

from gis.matching.address import AddressIndex
from gis.matching.address_pair import PlaceWords, place_words, same_place
from tests.address_scores import (
    LOST_BY_ERROR,
    LOST_BY_LABEL,
    Scores,
    all_labelled,
    crossed_f1,
    labelled,
    pair_f1,
    pairs,
    parse_scores,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"
SCALE = float(os.environ.get("GRIDWARD_BENCH_SCALE", "0.3"))
console = Console()


def main() -> None:
    if SHARED.is_dir():
        _parts()
        _pairs()
    else:
        console.print("parts and pairs are left out: ../shared/data is not there")
    _index()


def _parts() -> None:
    rows = all_labelled(SHARED)
    began = time.perf_counter()
    scores = parse_scores(rows)
    each_ms = (time.perf_counter() - began) / len(rows) * 1e3
    unseen = parse_scores(labelled(SHARED, 1))
    table = Table(title=f"Parts of {len(rows)} labelled texts; half of them not looked at before")
    heads = (
        "label",
        "spans",
        "precision",
        "recall",
        "F1",
        "F1 unseen",
        "missed: what the user loses",
    )
    for title in heads:
        table.add_column(title, justify="left" if title[0] in "lm" else "right")
    count = {label: scores.right[label] + scores.missed[label] for label in LOST_BY_LABEL}
    for label in sorted(LOST_BY_LABEL, key=lambda k: -count[k]):
        if count[label]:
            figures = [f"{figure:.3f}" for figure in (*scores.of(label), unseen.of(label)[2])]
            table.add_row(label, str(count[label]), *figures, LOST_BY_LABEL[label])
    together = [f"{figure:.3f}" for figure in (*scores.of(), unseen.of()[2])]
    table.add_row("all", str(sum(count.values())), *together, "")
    console.print(table)
    console.print(
        f"whole texts right {scores.whole / scores.texts:.3f}, of the unseen "
        f"{unseen.whole / unseen.texts:.3f}; {each_ms:.1f} ms a text (load {_load()})"
    )
    _errors(scores)


def _errors(scores: Scores) -> None:
    """Print each class of error, how often, at which labels most, and what it costs."""
    table = Table(title="Errors by class")
    for title in ("class", "spans", "most often (wanted > found)", "what the user loses"):
        table.add_column(title, justify="right" if title == "spans" else "left")
    for kind, lost in LOST_BY_ERROR.items():
        own = [(n, a, b) for (k, a, b), n in scores.errors.items() if k == kind]
        most = sorted(own, key=lambda one: (-one[0], one[1:]))[:3]
        told = ", ".join(f"{a} > {b} {n}" for n, a, b in most)
        table.add_row(kind, str(sum(n for n, _, _ in own)), told, lost)
    console.print(table)


def _pairs() -> None:
    given = pairs(SHARED)

    @cache
    def words(text: str) -> PlaceWords:
        return place_words(text)

    deciders: dict[str, Callable[[str, str], float]] = {
        "ours, partly": lambda a, b: same_place(words(a), words(b)),
        "ours, exactly": lambda a, b: same_place(words(a), words(b), exactly=True),
        "rapidfuzz ratio": fuzz.ratio,
        "rapidfuzz partial_ratio": fuzz.partial_ratio,
        "rapidfuzz token_set_ratio": fuzz.token_set_ratio,
    }
    left_out = []
    _with_resources()
    for name, make in (("jionlp", _jionlp), ("cpca", _cpca)):
        module = _peer(name)
        if isinstance(module, str):
            left_out.append((name, module))
        else:
            deciders[f"{name} + ratio"] = make(module)
    table = Table(
        title=f"Same place: F1 on {len(given.label)} pairs, each half by the other's threshold "
        f"(and on the {int(given.unseen.sum())} not looked at)"
    )
    for title in ("by", "at least partly", "exactly", "seconds"):
        table.add_column(title)
    for name, decide in deciders.items():
        began = time.perf_counter()
        partly, exactly = (
            f"{crossed_f1(given, decide, at_least=k):.3f} "
            f"({pair_f1(given, decide, at_least=k)[0]:.3f})"
            for k in (1, 2)
        )
        seconds = (time.perf_counter() - began) / 4
        table.add_row(name, partly, exactly, f"{seconds:.1f}")
    for name, why in left_out:
        table.add_row(name, "-", "-", why)
    console.print(table)


def _peer(name: str) -> ModuleType | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except Exception as reason:  # noqa: BLE001 - a peer may fail in any way; the table says how
        return f"left out: {type(reason).__name__}: {reason}"[:90]


def _with_resources() -> None:
    """Give cpca the one function that it wants of a package which setuptools has no more."""
    if importlib.util.find_spec("pkg_resources") is None:
        stand_in: Any = ModuleType("pkg_resources")
        stand_in.resource_stream = lambda package, name: (
            importlib.resources.files(package).joinpath(name).open("rb")
        )
        sys.modules["pkg_resources"] = stand_in


def _jionlp(module: ModuleType) -> Callable[[str, str], float]:
    """The peer's divisions must agree where both have them; the rest by letters."""

    @cache
    def told(text: str) -> tuple[tuple[str, ...], str]:
        found = module.parse_location(text)
        names = tuple(found.get(key) or "" for key in ("province", "city", "county"))
        return names, found.get("detail") or text

    return _with_divisions(told)


def _cpca(module: ModuleType) -> Callable[[str, str], float]:
    given = pairs(SHARED)
    texts = sorted({text for pair in given.texts for text in pair})
    table = module.transform(texts)  # one call: its cost is per table, not per text
    known = {
        text: (tuple(row[key] or "" for key in ("省", "市", "区")), row["地址"] or text)
        for text, (_, row) in zip(texts, table.iterrows(), strict=True)
    }
    return _with_divisions(lambda text: known[text])


def _with_divisions(
    told: Callable[[str], tuple[tuple[str, ...], str]],
) -> Callable[[str, str], float]:
    def decide(one: str, other: str) -> float:
        (areas, rest), (others, other_rest) = told(one), told(other)
        if any(a and b and a != b for a, b in zip(areas, others, strict=True)):
            return 0.0
        return float(fuzz.ratio(rest, other_rest))

    return decide


def _index() -> None:
    from tests.bench.address_city import demo_rows, typed

    areas, entries, roads, events = demo_rows(SCALE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    index = AddressIndex.build(areas, entries, roads)
    seconds = time.perf_counter() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    spent, cpu, right, total = [], [], 0, 0
    for text, lonlat in typed(events):
        start, worked = time.perf_counter(), time.thread_time()
        places = index.places(text)
        spent.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.thread_time() - worked) * 1e3)
        total += 1
        right += bool(places) and _away_m(places[0].lon, places[0].lat, *lonlat) < 100.0
    console.print(
        f"index of {len(index):,} entries (demo city at scale {SCALE}): built in {seconds:.1f} s, "
        f"{memory:.0f} MB; match median {np.median(spent):.2f} ms, p99 "
        f"{np.percentile(spent, 99):.2f} ms (of the processor {np.median(cpu):.2f} and "
        f"{np.percentile(cpu, 99):.2f}); first place within 100 m of the truth for {right} of "
        f"{total} events with an address only (load {_load()})"
    )


def _away_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    east = (lon - other_lon) * 111_320 * np.cos(np.radians(lat))
    return float(np.hypot(east, (lat - other_lat) * 110_900))


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"
