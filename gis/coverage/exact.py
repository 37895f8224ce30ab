"""The one place that speaks to the solver (HiGHS): models in arrays, a start, a time, a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import highspy
import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_model import BoolArray, FloatArray
from gis.coverage.plans import Run, Stage

_SHORTEST_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Programme:
    """Minimise ``cost @ x`` with ``row_lower <= matrix @ x <= row_upper``, ``lower <= x <= upper``.

    ``whole`` marks the variables that must be whole numbers.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    whole: BoolArray
    matrix: csr_array
    row_lower: FloatArray
    row_upper: FloatArray


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver says.

    ``values`` is None without a solution; ``bound`` holds for every solution (-inf when unknown).
    """

    values: FloatArray | None
    bound: float
    infeasible: bool


class _QuietSolver(highspy.Highs):
    """A solver that does not greet on standard output, which belongs to the answer."""

    def enableCallbacks(self) -> None:  # noqa: N802 - the name that it overrides
        """Be silent before anything is said (the base class calls this when it is made)."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def solved(
    programme: Programme,
    run: Run,
    *,
    start: FloatArray | None = None,
    gap: float = 0.0,
    seconds: float = np.inf,
) -> Solved:
    """Solve with whole numbers, from a start if there is one, inside the time of the run."""
    left = min(run.left, seconds)
    if left < _SHORTEST_S:
        return Solved(None, -np.inf, infeasible=False)
    solver = _loaded(programme, run, left)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 1e-6)
    _listen(solver.cbMipInterrupt, run, "prove")
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        solver.setSolution(known)
    solver.run()
    status, facts = solver.getModelStatus(), solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Solved(None, np.inf, infeasible=True)
    found = facts.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(solver.getSolution().col_value) if found else None
    bound = float(facts.mip_dual_bound)
    if not programme.whole.any():
        optimal = status == highspy.HighsModelStatus.kOptimal
        bound = float(facts.objective_function_value) if optimal else -np.inf
    return Solved(values, bound, infeasible=False)


def row_duals(programme: Programme, run: Run, *, seconds: float) -> FloatArray | None:
    """Return the row duals of the relaxation by interior point without crossover.

    They are approximate, and no bound is read off the solver: whoever uses them must make a
    bound that holds for any numbers. None when the time was too short.
    """
    left = min(run.left, seconds)
    if left < _SHORTEST_S:
        return None
    solver = _loaded(programme, run, left, relaxed=True)
    solver.setOptionValue("solver", "ipx")
    solver.setOptionValue("run_crossover", "off")
    solver.setOptionValue("ipm_optimality_tolerance", 1e-6)
    _listen(solver.cbIpmInterrupt, run, "bound")
    solver.run()
    duals = np.asarray(solver.getSolution().row_dual, dtype=np.float64)
    usable = len(duals) == programme.matrix.shape[0] and bool(np.isfinite(duals).all())
    return duals if usable and duals.any() else None


def _listen(event: Any, run: Run, stage: Stage) -> None:  # noqa: ANN401 - highspy has no name for it
    def ask(call: Any) -> None:  # noqa: ANN401
        if not run.goes_on(stage):
            call.interrupt()

    if run.effort.watch is not None:
        event.subscribe(ask)


def _loaded(
    programme: Programme, run: Run, seconds: float, *, relaxed: bool = False
) -> highspy.Highs:
    solver = _QuietSolver()  # type: ignore[no-untyped-call]
    solver.setOptionValue("parallel", "off")
    solver.setOptionValue("random_seed", run.effort.seed)
    solver.setOptionValue("time_limit", seconds)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = programme.matrix.shape
    model.col_cost_ = programme.cost
    model.col_lower_, model.col_upper_ = programme.lower, programme.upper
    model.row_lower_, model.row_upper_ = programme.row_lower, programme.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = programme.matrix.indptr
    model.a_matrix_.index_ = programme.matrix.indices
    model.a_matrix_.value_ = programme.matrix.data
    if not relaxed and programme.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(flag)] for flag in programme.whole]
    solver.passModel(model)
    return solver
