"""Siting and road reach beside spopt (CBC, HiGHS) and networkx: value, bound, time, memory."""

from __future__ import annotations

import importlib
import multiprocessing
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from gis.coverage.network import at_nodes, nearest_station
from gis.coverage.plans import Effort
from gis.coverage.roads import RoadGraph
from gis.coverage.siting import max_covering, p_center, p_median
from tests.siting_instances import PMED_SIZES, like_pmed, towns

GAP = 0.005
SPOPT_ENTRIES = 2_600_000  # places x sites; spopt loops over all pairs in Python: minutes beyond
Row = tuple[str, float, float, float]  # who, value, bound, (seconds are added outside)

console = Console()


def peer(name: str) -> ModuleType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as missing:
        console.print(f"{name} is left out: {missing}")
        return None


def measured(work: Callable[[], Any]) -> tuple[Any, float, float, float]:
    """Return the result, CPU seconds (with children), wall seconds and peak MB of a process."""
    before, wall = _cpu(), time.perf_counter()
    result = work()
    wall = time.perf_counter() - wall
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024  # ru_maxrss remembers the parent
    return result, _cpu() - before, wall, peak


def _cpu() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def apart(task: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - numbers of any task
    """Run a task in a process of its own, so that memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def ours(places: int, sites: int, k: int) -> tuple[Any, float, float, float]:
    covers, people, _, _ = towns(places, sites)
    plan, *cost = measured(lambda: max_covering(covers, people, k, effort=Effort(gap=GAP)))
    return (plan.objective, plan.bound), *cost  # type: ignore[return-value]


def spopts(places: int, sites: int, k: int, solver: str) -> tuple[Any, float, float, float]:
    import pulp
    from spopt.locate import MCLP

    covers, people, _, _ = towns(places, sites)
    distance = np.where(covers.toarray(), 0.0, 2.0)

    def work() -> tuple[float, float]:
        engine = (
            pulp.PULP_CBC_CMD(msg=False, gapRel=GAP)
            if solver == "CBC"
            else pulp.HiGHS(msg=False, gapRel=GAP)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MCLP.from_cost_matrix(distance, people, 1.0, p_facilities=k).solve(engine)
        chosen = [site for site, clients in enumerate(model.fac2cli) if clients]
        return float(people[covers[:, chosen].sum(axis=1) > 0].sum()), float("nan")

    return measured(work)


def covering() -> None:
    table = Table(title=f"Maximal covering, gap {GAP:.1%}; CPU seconds from matrix to plan")
    for title in ("places x sites, k", "who", "people", "gap %", "CPU s", "wall s", "MB", "times"):
        table.add_column(title, justify="right")
    have = peer("spopt.locate") is not None and peer("pulp") is not None
    for places, sites, k in (
        (5000, 500, 20),
        (5000, 500, 35),
        (20_000, 500, 35),
        (20_000, 2000, 20),
        (20_000, 2000, 50),
        (100_000, 500, 20),
        (100_000, 500, 50),
    ):
        name = f"{places:,} x {sites:,}, {k}"
        (value, bound), cpu, wall, peak = apart(ours, places, sites, k)
        gap = f"{(bound / value - 1.0) * 100:.2f}"
        table.add_row(
            name, "ours", f"{value:,.0f}", gap, f"{cpu:.2f}", f"{wall:.2f}", f"{peak:.0f}"
        )
        if have and places * sites <= SPOPT_ENTRIES:
            for solver in ("CBC", "HiGHS"):
                (other, _), slow, late, large = apart(spopts, places, sites, k, solver)
                table.add_row(
                    "",
                    f"spopt+{solver}",
                    f"{other:,.0f}",
                    "",
                    f"{slow:.2f}",
                    f"{late:.2f}",
                    f"{large:.0f}",
                    f"{slow / cpu:.0f}x",
                )
    console.print(table)


def graphs() -> None:
    table = Table(title="Graphs like OR-Library's pmed: 100 to 900 nodes, all shortest paths")
    for title in ("what", "instances", "optimal", "worst gap %", "CPU s", "slowest wall s"):
        table.add_column(title, justify="right")
    for name in ("p-center", "p-median"):
        plans, spent = [], _cpu()
        for nodes, p in PMED_SIZES:
            cost = like_pmed(nodes, nodes + p)
            effort = Effort()
            plans.append(
                p_center(cost, p, effort=effort)
                if name == "p-center"
                else p_median(cost, np.ones(nodes), p, effort=effort)
            )
        proven = sum(plan.status == "optimal" for plan in plans)
        worst = max(plan.gap for plan in plans) * 100
        slowest = max(plan.seconds for plan in plans)
        spent = _cpu() - spent
        table.add_row(
            name, str(len(plans)), str(proven), f"{worst:.2f}", f"{spent:.1f}", f"{slowest:.1f}"
        )
    console.print(table)


def street_grid(size: int = 450) -> RoadGraph:
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    shift = rng.uniform(-2e-4, 2e-4, (size * size, 2))
    nodes = np.column_stack([118.1 + x.ravel() * 1e-3, 32.1 + y.ravel() * 9e-4]) + shift
    name = np.arange(size * size).reshape(size, size)
    edges = np.concatenate(
        [
            np.column_stack([name[:, :-1].ravel(), name[:, 1:].ravel()]),
            np.column_stack([name[:-1].ravel(), name[1:].ravel()]),
        ]
    )
    edges = edges[rng.random(len(edges)) > 0.1]
    return RoadGraph.build(nodes, edges, rng.uniform(90.0, 130.0, len(edges)))


def roads() -> None:
    graph = street_grid()
    matrix: csr_array = graph.matrix("walk")
    every = at_nodes(graph, np.arange(len(graph.nodes)))
    chosen = np.random.default_rng(2).choice(len(graph.nodes), 243, replace=False)
    stations = at_nodes(graph, chosen)
    nearest_station(graph, every, stations, 3000.0)
    found, cpu, wall, _ = measured(lambda: nearest_station(graph, every, stations, 3000.0))
    table = Table(title=f"Within 3 km of 243 stations, {len(graph.nodes):,} nodes")
    for title in ("who", "nodes", "CPU s", "wall s", "times"):
        table.add_column(title, justify="right")
    table.add_row("ours", f"{(found.state == 1).sum():,}", f"{cpu:.3f}", f"{wall:.3f}", "")
    networkx = peer("networkx")
    if networkx is not None:
        other = networkx.from_scipy_sparse_array(matrix, create_using=networkx.DiGraph)
        result, slow, late, _ = measured(
            lambda: networkx.multi_source_dijkstra_path_length(
                other, set(chosen.tolist()), cutoff=3000.001
            )
        )
        distance = np.full(len(graph.nodes), np.inf)
        distance[list(result)] = list(result.values())
        close = np.isfinite(distance) == (found.state == 1)
        same = close.all() and np.allclose(
            distance[found.state == 1], found.distance_m[found.state == 1]
        )
        table.add_row(
            f"networkx ({'equal' if same else 'DIFFERENT'})",
            f"{len(result):,}",
            f"{slow:.3f}",
            f"{late:.3f}",
            f"{slow / cpu:.0f}x",
        )
    console.print(table)


def main() -> None:
    roads()
    graphs()
    covering()
