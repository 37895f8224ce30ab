"""A covering problem made small without changing its answer.

Places that the same sites reach become one row with their people added up; a site that reaches
nothing beyond what another one reaches is dropped. 100,000 places x 500 sites become some 8,000
rows. Everything is sparse; nothing loops over pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, sparray, spmatrix

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Covers: TypeAlias = sparray | spmatrix | npt.NDArray[Any]
"""Demand x sites, sparse or a small array; what is not zero is within reach."""

_HEAVIEST_PRODUCT: Final = 3e8  # multiplications; beyond it the search for dominated sites is left


@dataclass(frozen=True, slots=True)
class CoverModel:
    """Rows (places, merged) x columns (sites, the useful ones); weights in people.

    Attributes
    ----------
    rows, columns
        The same matrix of ones by row and by column (``columns`` is the transpose, by site).
    weight
        Of each row, positive.
    sites
        Of each column, the position of the site in the input, ascending.
    """

    rows: csr_array
    columns: csr_array
    weight: FloatArray
    sites: IntArray

    @property
    def total(self) -> float:
        """Return the weight of all rows."""
        return float(self.weight.sum())

    @property
    def whole(self) -> bool:
        """Return whether all weights are whole numbers, so that every value is."""
        return bool((self.weight == np.floor(self.weight)).all()) and self.total < 2.0**52


def checked_covers(covers: Covers) -> csr_array:
    """Return a coverage matrix as sorted CSR of ones without stored zeros.

    >>> checked_covers(np.array([[True, False]])).nnz
    1
    """
    matrix = csr_array(covers)
    if matrix.ndim != 2:
        raise ValueError("a coverage matrix has two dimensions: demand x sites")
    matrix = csr_array(
        (np.asarray(matrix.data != 0, dtype=np.float64), matrix.indices, matrix.indptr),
        shape=matrix.shape,
        copy=True,
    )
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def checked_weight(weight: npt.ArrayLike, count: int) -> FloatArray:
    """Return weights as floats after proving one finite, not negative number for each row."""
    array = np.asarray(weight, dtype=np.float64)
    if array.shape != (count,):
        raise ValueError(f"{count} places need {count} weights, not {array.shape}")
    if not np.isfinite(array).all() or (array < 0.0).any():
        raise ValueError("weights must be finite and not negative")
    return array


def checked_sites(sites: Iterable[int], count: int) -> IntArray:
    """Return site positions ascending without repeats, after proving that they exist."""
    array = np.unique(np.asarray(list(sites), dtype=np.intp))
    if len(array) and (array[0] < 0 or array[-1] >= count):
        raise ValueError(f"site positions must lie in 0..{count - 1}")
    return array


def gather(matrix: csr_array, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the column numbers of some rows in one array, and how many each row has."""
    starts = matrix.indptr[rows].astype(np.intp)
    counts = matrix.indptr[rows + 1].astype(np.intp) - starts
    before = np.cumsum(counts) - counts
    places = np.arange(int(counts.sum()), dtype=np.intp) + np.repeat(starts - before, counts)
    return np.asarray(matrix.indices[places], dtype=np.intp), counts


def covered_rows(matrix: csr_array, sites: IntArray) -> BoolArray:
    """Return which rows at least one of the sites reaches."""
    chosen = np.zeros(matrix.shape[1])
    chosen[sites] = 1.0
    return np.asarray(matrix @ chosen > 0.0)


def merged(matrix: csr_array, weight: FloatArray) -> tuple[csr_array, FloatArray]:
    """Return the distinct rows, in order of first appearance, with their weights added up.

    Empty rows and rows without weight are left out.
    """
    counts = np.diff(matrix.indptr)
    keep = np.flatnonzero((counts > 0) & (weight > 0.0))
    matrix, weight = matrix[keep], weight[keep]
    if not len(keep):
        return matrix, weight
    salt = np.random.default_rng(20_261_123).integers(0, 2**63, matrix.shape[1], dtype=np.uint64)
    keys = np.add.reduceat(salt[matrix.indices], matrix.indptr[:-1])
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    twins = matrix[first[group]]
    if not (
        np.array_equal(twins.indptr, matrix.indptr)
        and np.array_equal(twins.indices, matrix.indices)
    ):  # two different rows of one key: one in 10^9 runs, and then nothing is merged
        return matrix, weight
    order = np.argsort(first)
    return matrix[first[order]], np.asarray(
        np.bincount(group, weights=weight)[order], dtype=np.float64
    )


def undominated(matrix: csr_array) -> IntArray:
    """Return the columns to keep: those not contained in another one (of equals, the first).

    Empty columns go. When the product of the matrix with itself would be too large, only these go.
    """
    columns = csr_array(matrix.T)
    sizes = np.diff(columns.indptr)
    if float((np.diff(matrix.indptr).astype(np.float64) ** 2).sum()) > _HEAVIEST_PRODUCT:
        return np.flatnonzero(sizes > 0)
    shared = (columns @ matrix).tocoo()
    inside = shared.data == sizes[shared.row]  # all of `row` is in `col`
    small, large = shared.row[inside], shared.col[inside]
    loses = (sizes[large] > sizes[small]) | ((sizes[large] == sizes[small]) & (large < small))
    keep = sizes > 0
    keep[small[loses]] = False
    return np.flatnonzero(keep)


def reduced(matrix: csr_array, weight: FloatArray, sites: IntArray) -> CoverModel:
    """Return the model of some columns of a matrix, merged and without dominated sites."""
    rows, people = merged(matrix[:, sites], weight)
    keep = undominated(rows)
    if len(keep) < len(sites):
        rows, people = merged(rows[:, keep], people)
    return CoverModel(rows, csr_array(rows.T), people, sites[keep])
