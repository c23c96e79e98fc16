"""The C function that runs many training steps: it gathers rows, steps, and updates."""

from __future__ import annotations

import ctypes

__all__ = ["Run", "epoch_source"]


class Run(ctypes.Structure):
    """What ``epoch`` is given; the same as ``run_t`` in the source."""

    _fields_ = [
        ("steps", ctypes.c_long),
        ("batch", ctypes.c_long),
        ("order", ctypes.c_void_p),
        ("given", ctypes.c_long),
        ("rows", ctypes.c_void_p),
        ("row_bytes", ctypes.c_void_p),
        ("gathered", ctypes.c_void_p),
        ("drawn", ctypes.c_long),
        ("draws", ctypes.c_void_p),
        ("draw_bytes", ctypes.c_void_p),
        ("pointers", ctypes.c_long),
        ("dims", ctypes.c_void_p),
        ("state", ctypes.c_void_p),
        ("old", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("statistics_bytes", ctypes.c_long),
        ("hyper", ctypes.c_void_p),
        ("count", ctypes.c_double),
        ("losses", ctypes.c_void_p),
    ]


_TYPES = """\
typedef struct {
    long steps, batch;
    const long *order;      /* rows of the data in the order in which they are seen, or none */
    long given;             /* the arrays that hold a row for each example */
    const char *const *rows;
    const long *row_bytes;
    char *const *gathered;  /* where the rows of a batch are brought together */
    long drawn;             /* random numbers: for each array those of all steps */
    char *const *draws;
    const long *draw_bytes;
    long pointers;
    const long *dims;
    void *const *state;     /* the arrays of ``update`` */
    void *old;
    const void *next;       /* running statistics */
    long statistics_bytes;
    const double *hyper;
    double count;           /* steps taken before */
    double *losses;
} run_t;

"""

_EPOCH = """\
/* ``steps`` training steps, one after another */
__attribute__((visibility("default"))) void epoch(void *const *a, const run_t *r) {{
{table}    void *here[r->pointers];
    memcpy(here, a, sizeof here);
    for (long s = 0; s < r->steps; s++) {{
        for (long g = 0; g < {given}; g++) {{
            const long bytes = {bytes};
            if (!r->order) {{
                here[g] = (void *)(r->rows[g] + s * {batch} * bytes);
                continue;
            }}
            for (long n = 0; n < {batch}; n++)
                memcpy(r->gathered[g] + n * bytes,
                       r->rows[g] + r->order[s * {batch} + n] * bytes, bytes);
            here[g] = r->gathered[g];
        }}
        for (long k = 0; k < r->drawn; k++)
            here[{given} + k] = r->draws[k] + s * r->draw_bytes[k];
        r->losses[s] = gradients(here, r->dims);
        update_all(r->state, r->dims, r->hyper, r->count + s + 1);
        if (r->statistics_bytes) memcpy(r->old, r->next, r->statistics_bytes);
    }}
}}
"""


def epoch_source(batch: str, given: str, table: str, bytes: str) -> str:
    """The source of ``epoch``; sizes that are known make it faster."""
    return _TYPES + _EPOCH.format(batch=batch, given=given, table=table, bytes=bytes)
