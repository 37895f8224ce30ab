"""Reach, access and siting beside PostGIS, networkx, pandana, PySAL access and spopt.

One table a question: value, gap to the bound, CPU and wall seconds, peak memory, CPU of the others
in times of ours. Every run has a process of its own. CPU compares; wall time is what a user waits
on an idle machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from scipy.sparse import csr_array

from gis.cluster import Cluster
from gis.coverage import reach
from gis.coverage.accessibility import enhanced_two_step, two_step
from gis.coverage.network import at_nodes, nearest_station
from gis.coverage.plans import Effort
from gis.coverage.siting import max_covering, p_center, p_median, set_covering
from gis.coverage.straight_points import PointsOnEllipsoid
from gis.governance.actors import SYSTEM
from gis.store import city, schema, tables
from gis.store.unit_of_work import Database
from tests.bench import coverage_peers as peers
from tests.bench.apart import Comparison, Figures, apart, digest, measured
from tests.bench.coverage_problems import (
    GAP,
    HOMES,
    RADIUS_M,
    STATIONS,
    access_pairs,
    full_cover,
    homes,
    network,
    node_stations,
)
from tests.bench.home import temporary_home
from tests.siting_instances import PMED_SIZES, like_pmed, towns

SPOPT_ENTRIES = 2_600_000  # places x sites; spopt loops over all pairs in Python: minutes beyond
SOLVERS = ("CBC", "HiGHS")
WHOLE_CITY, ONE_TOWN = 450, 150  # nodes a side


# --- in a straight line ----------------------------------------------------------------------


def reach_by_pairs() -> Figures:
    here, there = homes()

    def work() -> tuple[float, float, Any]:
        found = reach.within(here, there, RADIUS_M)
        return float(found.nnz), np.nan, digest(found.indptr, found.indices)

    return measured(work)


def reach_of_the_optimiser() -> Figures:
    here, there = homes()

    def work() -> tuple[float, float, Any]:
        found = PointsOnEllipsoid(here).reached(there, RADIUS_M).covers(len(here))
        return float(found.nnz), np.nan, digest(found.indptr, found.indices)

    return measured(work)


def reach_in_sql() -> Figures:
    """The statement of the product's own SQL twin, on its own tables and index."""
    here, there = homes()
    with temporary_home() as home, Cluster(home).lease() as cluster:
        cluster.create_database("bench")
        owner = Database(cluster.url("owner", "bench"), role=None)
        schema.upgrade(owner)
        with owner.transaction(SYSTEM) as work:
            work.connection.execute(
                sa.insert(tables.stations),
                [
                    {"code": f"{n:03d}", "name": "s", "kind": "s", "geometry": _point(at)}
                    for n, at in enumerate(there.tolist())
                ],
            )
            # one statement: each stamps the table, and 200,000 stamps in a transaction take minutes
            work.execute(
                sa.text(
                    "insert into buildings (kind, residents, geometry) "
                    "select 'home', 1, ST_SetSRID(ST_Point(x, y), 4326) from unnest("
                    "cast(:x as float8[]), cast(:y as float8[])) with ordinality as at (x, y, n) "
                    "order by n"
                ),
                x=here[:, 0].tolist(),
                y=here[:, 1].tolist(),
            )
            work.execute(sa.text("analyze buildings, stations"))
        with owner.reading(SYSTEM) as work:
            statement = (
                sa.select(tables.buildings.c.id, tables.stations.c.code)
                .join(tables.stations, city.REACHES)
                .order_by(tables.buildings.c.id, tables.stations.c.code)
            )

            def asked() -> tuple[float, float, Any]:
                rows = work.rows(statement, radius_m=RADIUS_M + reach.TOLERANCE_M)
                found = np.array([(row["id"], int(row["code"])) for row in rows])
                ends = np.searchsorted(found[:, 0], np.arange(len(here) + 1), "right")
                return float(len(rows)), np.nan, digest(ends, found[:, 1])

            figures = measured(asked)
        owner.close()
        return figures


def _point(at: Sequence[float]) -> str:
    return f"SRID=4326;POINT({at[0]!r} {at[1]!r})"


def straight() -> None:
    table = Comparison(
        f"Pairs within 3 km in a straight line: {HOMES:,} homes x {STATIONS} stations"
    )
    first = apart(reach_by_pairs)
    table.row(f"{HOMES:,} x {STATIONS}", "ours, pairs", first)
    table.row(
        "", "ours, optimiser's rows", found := apart(reach_of_the_optimiser), same(first, found)
    )
    found = apart(reach_in_sql)
    table.row("", "PostGIS (wall only)", found, same(first, found))
    table.show()


def same(ours: Figures, other: Figures) -> str:
    return "same pairs" if ours.answer == other.answer else "DIFFERENT"


# --- along roads -----------------------------------------------------------------------------


def road_reach(size: int) -> Figures:
    graph = network(size)
    every = at_nodes(graph, np.arange(len(graph.nodes)))
    stations = at_nodes(graph, node_stations(graph))
    nearest_station(graph, every, stations, 100.0)  # the arrays of the mode are made once

    def work() -> tuple[float, float, Any]:
        found = nearest_station(graph, every, stations, RADIUS_M)
        return float((found.state == 1).sum()), np.nan, found.distance_m

    return measured(work, times=5)


def roads() -> None:
    """pandana's index is what limits the size that it can be asked with: it takes minutes."""
    table = Comparison(f"Nodes within 3 km of {STATIONS} stations along roads")
    ours = apart(road_reach, WHOLE_CITY)
    table.row(f"{WHOLE_CITY**2:,} nodes", "ours", ours)
    if peers.have("networkx"):
        found = apart(peers.networkx_reach, WHOLE_CITY)
        table.row("", "networkx", found, how_near(ours, found))
    if peers.have("pandana"):
        ours = apart(road_reach, ONE_TOWN)
        table.row(f"{ONE_TOWN**2:,} nodes", "ours", ours)
        index, found = apart(peers.pandana_reach, ONE_TOWN)
        table.row("", "pandana, its index", index)
        table.row("", "pandana, asking", found, how_near(ours, found))
    table.show()


def how_near(ours: Figures, other: Figures) -> str:
    """Say how far two answers differ: nodes that only one of them has, and metres."""
    one, two = np.isfinite(ours.answer), np.isfinite(other.answer)
    lone, both = int((one != two).sum()), one & two
    metres = float(np.abs(ours.answer[both] - other.answer[both]).max(initial=0.0))
    return f"equal to {metres:.0e} m" if not lone else f"{lone} nodes differ, {metres:.0e} m"


# --- access scores ---------------------------------------------------------------------------


def access_of_ours(places: int, stations: int, *, enhanced: bool) -> Figures:
    point, station, metres, people, posts = access_pairs(places, stations)

    stored = metres if enhanced else np.ones(len(metres))  # at no distance is within reach, too
    table = csr_array((stored, (point, station)), shape=(places, stations))
    scores = enhanced_two_step if enhanced else two_step

    def work() -> tuple[float, float, Any]:
        found = scores(table, people, posts)
        return float((found.score * people).sum()), np.nan, found.score

    return measured(work, times=20)


def access() -> None:
    table = Comparison(
        "Access scores from pairs within 3 km, as each keeps them; value: posts shared out"
    )
    for enhanced in (False, True):
        ours = apart(access_of_ours, 100_000, STATIONS, enhanced=enhanced)
        name = "E2SFCA" if enhanced else "2SFCA"
        table.row(f"{name}, 100,000 x {STATIONS}", "ours", ours)
        if peers.have("access"):
            found = apart(peers.access_scores, 100_000, STATIONS, enhanced=enhanced)
            equal = np.allclose(ours.answer, found.answer, rtol=1e-9, atol=1e-15)
            table.row("", "PySAL access", found, "equal scores" if equal else "DIFFERENT")
    table.show()


# --- siting ----------------------------------------------------------------------------------


def cover_most(places: int, sites: int, k: int) -> Figures:
    covers, people, _, _ = towns(places, sites)

    def work() -> tuple[float, float, Any]:
        plan = max_covering(covers, people, k, effort=Effort(gap=GAP))
        return plan.objective, plan.bound, None

    return measured(work)


def cover_all(places: int, sites: int) -> Figures:
    covers = full_cover(places, sites)

    def work() -> tuple[float, float, Any]:
        plan = set_covering(covers)
        return plan.objective, plan.bound, None

    return measured(work)


def by_distance(what: str, nodes: int, p: int) -> Figures:
    cost = like_pmed(nodes, nodes + p)

    def work() -> tuple[float, float, Any]:
        plan = p_median(cost, np.ones(nodes), p) if what == "p-median" else p_center(cost, p)
        return plan.objective, plan.bound, None

    return measured(work)


def siting() -> None:
    table = Comparison(f"Siting, from matrix to plan; gap asked {GAP:.1%}")
    spopt = peers.have("spopt", "pulp", "highspy")
    for places, sites, k in (
        (5000, 500, 20),
        (5000, 500, 35),
        (20_000, 2000, 20),
        (20_000, 2000, 50),
        (100_000, 500, 20),
        (100_000, 500, 50),
    ):
        ours = apart(cover_most, places, sites, k)
        table.row(f"most people: {places:,} x {sites:,}, k = {k}", "ours", ours)
        if spopt and places * sites <= SPOPT_ENTRIES:
            for solver in SOLVERS:
                found = apart(peers.spopt_covering, places, sites, k, solver)
                table.row("", f"spopt+{solver}", found, verdict(ours, found, most=True))
    for places, sites in ((2000, 300), (5000, 500)):
        ours = apart(cover_all, places, sites)
        table.row(f"fewest sites: {places:,} x {sites:,}", "ours", ours)
        if spopt:
            for solver in SOLVERS:
                found = apart(peers.spopt_full_cover, places, sites, solver)
                table.row("", f"spopt+{solver}", found, verdict(ours, found, most=False))
    for what, nodes, p in (
        ("p-median", 100, 10),
        ("p-median", 200, 20),
        ("p-center", 100, 10),
    ):
        ours = apart(by_distance, what, nodes, p)
        table.row(f"{what}: {nodes} nodes, p = {p}", "ours", ours)
        if spopt:
            for solver in SOLVERS:
                found = apart(peers.spopt_distance, what, nodes, p, solver)
                table.row("", f"spopt+{solver}", found, verdict(ours, found, most=False))
    table.show()


def verdict(ours: Figures, other: Figures, *, most: bool) -> str:
    """Say whose value is better, a thousandth of a thousandth being nothing."""
    ahead = (ours.value - other.value) * (1.0 if most else -1.0) / max(abs(other.value), 1e-9)
    return "equal" if abs(ahead) < 1e-6 else f"ours {ahead:+.2%}"


def all_graphs(what: str) -> Figures:
    """All sizes of the public instances in turn; answer: gap and wall seconds of each."""

    def work() -> tuple[float, float, Any]:
        plans = []
        for nodes, p in PMED_SIZES:
            cost = like_pmed(nodes, nodes + p)
            median = what == "p-median"
            plans.append(p_median(cost, np.ones(nodes), p) if median else p_center(cost, p))
        return (
            sum(plan.objective for plan in plans),
            sum(plan.bound for plan in plans),
            [(plan.status, plan.gap, plan.seconds) for plan in plans],
        )

    return measured(work)


def graphs() -> None:
    table = Comparison(
        "Graphs like OR-Library's pmed, 100 to 900 nodes; values and gaps of all together"
    )
    for what in ("p-center", "p-median"):
        found = apart(all_graphs, what)
        proven = sum(status == "optimal" for status, _, _ in found.answer)
        worst, slowest = (max(column) for column in list(zip(*found.answer, strict=True))[1:])
        note = f"{proven} proven, worst gap {worst:.2%}, slowest {slowest:.1f} s"
        table.row(f"{what}, {len(found.answer)} instances", "ours", found, note)
    table.show()


def main() -> None:
    for part in (straight, roads, access, siting, graphs):
        part()
