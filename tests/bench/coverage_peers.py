"""What others do with the problems of the coverage bench: spopt, networkx, pandana, PySAL access.

Each function runs in a process of its own and imports its peer there; none is part of the product.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench.apart import LIMIT_S, Figures, measured
from tests.bench.coverage_problems import (
    GAP,
    RADIUS_M,
    STEPS,
    access_pairs,
    full_cover,
    network,
    node_stations,
)
from tests.siting_instances import like_pmed, towns

FloatArray = npt.NDArray[np.float64]


def have(*names: str) -> bool:
    """Tell whether some peers are installed (`make setup-bench`)."""
    return all(importlib.util.find_spec(name) is not None for name in names)


def _engine(solver: str) -> Any:  # noqa: ANN401 - a solver of PuLP
    import pulp

    if solver == "CBC":
        return pulp.PULP_CBC_CMD(msg=False, gapRel=GAP, timeLimit=LIMIT_S)
    return pulp.HiGHS(msg=False, gapRel=GAP, timeLimit=LIMIT_S)


def _solved(model: Callable[[], Any], solver: str) -> Any:  # noqa: ANN401 - a model of spopt
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model().solve(_engine(solver))


def _open(model: Any) -> list[int]:  # noqa: ANN401
    return [number for number, variable in enumerate(model.fac_vars) if variable.value() > 0.5]


def spopt_covering(places: int, sites: int, k: int, solver: str) -> Figures:
    """Maximal covering; the people are counted by us, from its sites."""
    from spopt.locate import MCLP

    covers, people, _, _ = towns(places, sites)
    distance = np.where(covers.toarray(), 0.0, 2.0)

    def work() -> tuple[float, float, Any]:
        model = _solved(
            lambda: MCLP.from_cost_matrix(distance, people, 1.0, p_facilities=k), solver
        )
        reached = covers[:, _open(model)].sum(axis=1) > 0
        return float(people[reached].sum()), np.nan, None

    return measured(work)


def spopt_full_cover(places: int, sites: int, solver: str) -> Figures:
    """Everybody within reach, fewest sites."""
    from spopt.locate import LSCP

    distance = np.where(full_cover(places, sites).toarray(), 0.0, 2.0)

    def work() -> tuple[float, float, Any]:
        model = _solved(lambda: LSCP.from_cost_matrix(distance, 1.0), solver)
        return float(len(_open(model))), np.nan, None

    return measured(work)


def spopt_distance(what: str, nodes: int, p: int, solver: str) -> Figures:
    """p-median or p-center; the distances are counted by us, from its sites."""
    from spopt.locate import PCenter, PMedian

    cost, people = like_pmed(nodes, nodes + p), np.ones(nodes)

    def work() -> tuple[float, float, Any]:
        if what == "p-median":
            model = _solved(lambda: PMedian.from_cost_matrix(cost, people, p), solver)
        else:
            model = _solved(lambda: PCenter.from_cost_matrix(cost, p), solver)
        nearest = cost[:, _open(model)].min(axis=1)
        return float(nearest.sum() if what == "p-median" else nearest.max()), np.nan, None

    return measured(work)


def networkx_reach(size: int) -> Figures:
    """Dijkstra from all stations at once."""
    import networkx as nx

    graph = network(size)
    other = nx.from_scipy_sparse_array(graph.matrix("walk"), create_using=nx.DiGraph)
    stations = {int(node) for node in node_stations(graph)}

    def work() -> tuple[float, float, Any]:
        found = nx.multi_source_dijkstra_path_length(other, stations, cutoff=RADIUS_M + 0.001)
        distance = np.full(len(graph.nodes), np.inf)
        distance[list(found)] = list(found.values())
        return float(len(found)), np.nan, distance

    return measured(work)


def pandana_reach(size: int) -> tuple[Figures, Figures]:
    """Nearest point of interest by contraction hierarchies: making the index, and asking it."""
    import pandana
    import pandas as pd

    graph = network(size)
    ends = (pd.Series(graph.start), pd.Series(graph.end))
    x, y = pd.Series(graph.nodes[:, 0]), pd.Series(graph.nodes[:, 1])
    metres = pd.DataFrame({"metres": graph.length_m})
    stations = graph.nodes[node_stations(graph)]
    made: list[Any] = []

    def index() -> tuple[float, float, Any]:
        made.append(pandana.Network(x, y, *ends, metres, twoway=True))
        made[0].set_pois("stations", RADIUS_M, 1, stations[:, 0], stations[:, 1])
        return np.nan, np.nan, None

    def ask() -> tuple[float, float, Any]:
        found = made[0].nearest_pois(RADIUS_M, "stations", num_pois=1)
        distance = found[1].to_numpy(dtype=np.float64)
        distance = np.where(distance < RADIUS_M, distance, np.inf)  # the limit itself means none
        return float(np.isfinite(distance).sum()), np.nan, distance

    return measured(index), measured(ask)


def access_scores(places: int, stations: int, *, enhanced: bool) -> Figures:
    """2SFCA, or E2SFCA with the same steps."""
    import pandas as pd
    from access import Access
    from access.weights import step_fn

    point, station, metres, people, posts = access_pairs(places, stations)
    demand = pd.DataFrame({"geoid": np.arange(places), "people": people})
    supply = pd.DataFrame({"geoid": np.arange(stations), "posts": posts})
    cost = pd.DataFrame({"origin": point, "dest": station, "cost": metres})
    steps = dict(STEPS)

    def work() -> tuple[float, float, Any]:
        city = Access(
            demand_df=demand,
            demand_index="geoid",
            demand_value="people",
            supply_df=supply,
            supply_index="geoid",
            supply_value="posts",
            cost_df=cost,
            cost_origin="origin",
            cost_dest="dest",
            cost_name="cost",
        )
        if enhanced:
            found = city.enhanced_two_stage_fca(
                name="fca", weight_fn=step_fn(steps), max_cost=RADIUS_M
            )
        else:
            found = city.two_stage_fca(name="fca", max_cost=RADIUS_M)
        score = found.iloc[:, 0].reindex(range(places)).fillna(0.0).to_numpy(dtype=np.float64)
        return float((score * people).sum()), np.nan, score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return measured(work, times=5)
