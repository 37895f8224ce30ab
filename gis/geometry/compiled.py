"""Functions compiled to machine code by numba, kept on disk between runs.

Only modules of kernels import this one, and they are imported when first needed: importing numba
takes half a second, which no command that never asks for a point should pay.

Exactness needs the operations of IEEE 754 as written. Without ``fastmath`` numba marks no
operation as contractible, so LLVM neither reorders sums nor fuses ``a * b - c`` into one rounding;
a test reads the machine code and finds no fused multiply-add.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

P = ParamSpec("P")
R = TypeVar("R")

KERNELS = (
    "cell_rasters",
    "cell_records",
    "cell_search",
    "cell_sweep",
    "edge_distance",
    "edge_table",
    "normal_mass",
    "predicates",
)
"""The modules whose functions may call one another."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call; it releases the interpreter lock while it runs.

    The machine code is kept beside the module, or in the user's cache folder, or where
    ``NUMBA_CACHE_DIR`` says. Where none of them can be written it is compiled anew in each
    process.
    """
    dispatcher: Any = numba.njit(nogil=True, fastmath=False, error_model="numpy")(function)
    try:
        dispatcher.enable_caching()
    except RuntimeError:  # numba's word for "no folder that I may write to"
        return cast("Callable[P, R]", dispatcher)
    # numba notices a change of the function's own file only; ours call across files.
    stored = dispatcher._cache._cache_file  # noqa: SLF001 - there is no public way
    stored._source_stamp = (stored._source_stamp, _sources())  # noqa: SLF001
    return cast("Callable[P, R]", dispatcher)


@cache
def _sources() -> str:
    """Return one hash over all kernels."""
    digest = hashlib.sha256()
    for name in KERNELS:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()


@intrinsic
def copy_bytes(  # noqa: PLR0917 - compiled functions take their arguments by position
    typing: Any,  # noqa: ANN401, ARG001 - the types of numba
    target: Any,  # noqa: ANN401
    at: Any,  # noqa: ANN401, ARG001
    source: Any,  # noqa: ANN401
    first: Any,  # noqa: ANN401, ARG001
    number: Any,  # noqa: ANN401, ARG001
) -> Any:  # noqa: ANN401
    """Copy ``source[first:first + number]`` to ``target`` from ``at`` on, inside compiled code.

    Both are contiguous arrays of bytes, the places lie in them (nothing is checked) and do not
    overlap. A loop over the bytes takes five to ten times as long.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        to, into, of, begin, length = given
        pointer = [
            builder.gep(make_array(kind)(context, builder, array).data, [place])  # type: ignore[no-untyped-call]
            for kind, array, place in (
                (signature.args[0], to, into),
                (signature.args[2], of, begin),
            )
        ]
        cgutils.raw_memcpy(builder, pointer[0], pointer[1], length, 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp, types.intp), generate
