"""The C function that runs many training steps: it gathers rows, steps, and updates."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["MovingState", "Run", "epoch_source", "shared_source", "straight_source"]


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
        ("metrics", ctypes.c_void_p),
        ("metrics_bytes", ctypes.c_long),
        ("kept", ctypes.c_void_p),
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
    const void *metrics;    /* what ``gradients`` leaves besides the loss, to be kept */
    long metrics_bytes;
    char *kept;
} run_t;

"""

_UPDATE = """\
__attribute__((visibility("default"))) void update_all(void *const *a, const long *d,
                                                       const double *hyper, double count) {{
    update(a, d{values});
}}

"""

_GATHER = """\
/* the place of a batch whose rows follow one another in the data, or -1 */
static long place_of(const long *order, long rows) {
    for (long n = 1; n < rows; n++)
        if (order[n] != order[0] + n) return -1;
    return order[0];
}

"""

_ALONE = """\
/* ``steps`` training steps, one after another */
__attribute__((visibility("default"))) void epoch(void *const *a, const run_t *r) {{
{table}    void *here[r->pointers];
    memcpy(here, a, sizeof here);
    const double *hyper = r->hyper;
{start}    for (long s = 0; s < r->steps; s++) {{
        const long *order = r->order ? r->order + s * {batch} : 0;
        const long place = order ? place_of(order, {batch}) : s * {batch};
        for (long g = 0; g < {given}; g++) {{
            const long bytes = {bytes};
            if (place >= 0) {{
                here[g] = (void *)(r->rows[g] + place * bytes);
                continue;
            }}
            for (long n = 0; n < {batch}; n++)
                memcpy(r->gathered[g] + n * bytes, r->rows[g] + order[n] * bytes, bytes);
            here[g] = r->gathered[g];
        }}
        for (long k = 0; k < r->drawn; k++)
            here[{given} + k] = r->draws[k] + s * r->draw_bytes[k];
        r->losses[s] = {step};
        if (r->metrics_bytes)
            memcpy(r->kept + s * r->metrics_bytes, r->metrics, r->metrics_bytes);
        const double count = r->count + s + 1;
        {change};
        if (r->statistics_bytes) memcpy(r->old, r->next, r->statistics_bytes);
    }}
}}
"""

_TOGETHER = """\
typedef struct {{ void *const *a; const long *d; const double *hyper; double count; }} update_call;
static void update_job(void *given, int me) {{
    const update_call *c = given;
    const double *hyper = c->hyper, count = c->count;
    update_part(c->a, c->d, me{values});
}}
__attribute__((visibility("default"))) void update_all(void *const *a, const long *d,
                                                       const double *hyper, double count) {{
    update_call c = {{a, d, hyper, count}};
    together(update_job, &c);
}}

/* ``steps`` training steps, one after another; each thread brings its part of the rows together */
typedef struct {{ void *const *a; const run_t *r; }} epoch_call;
static void epoch_job(void *given, int me) {{
    void *const *a = ((epoch_call *)given)->a;
    const run_t *r = ((epoch_call *)given)->r;
    void *here[r->pointers];
    memcpy(here, a, sizeof here);
    const double *hyper = r->hyper;
    for (long s = 0; s < r->steps; s++) {{
        const long *order = r->order ? r->order + s * r->batch : 0;
        const long place = order ? place_of(order, r->batch) : s * r->batch;
        for (long g = 0; g < r->given; g++) {{
            const long bytes = r->row_bytes[g];
            if (place >= 0) {{
                here[g] = (void *)(r->rows[g] + place * bytes);
                continue;
            }}
            for (long n = FROM(r->batch); n < TO(r->batch); n++)
                memcpy(r->gathered[g] + n * bytes, r->rows[g] + order[n] * bytes, bytes);
            here[g] = r->gathered[g];
        }}
        for (long k = 0; k < r->drawn; k++)
            here[r->given + k] = r->draws[k] + s * r->draw_bytes[k];
        if (place < 0) barrier();
        const double loss = gradients_part(here, r->dims, me);
        if (!me) r->losses[s] = loss;
        if (!me && r->metrics_bytes)
            memcpy(r->kept + s * r->metrics_bytes, r->metrics, r->metrics_bytes);
        const double count = r->count + s + 1;
        barrier();
        update_part(r->state, r->dims, me{values});
        if (r->statistics_bytes && !me) memcpy(r->old, r->next, r->statistics_bytes);
        barrier();
    }}
}}
__attribute__((visibility("default"))) void epoch(void *const *a, const run_t *r) {{
    epoch_call c = {{a, r}};
    together(epoch_job, &c);
}}
"""


@dataclass(frozen=True)
class MovingState:
    """A state s <- beta s + alpha g that ``train`` changes, and ``rest`` adds to the parameters.

    Where beta allows it, s is kept divided by ``unit``, which shrinks by beta each step: products
    then add to s, and need no pass that multiplies it.
    """

    alpha: str
    beta: str
    count: str


_MOVING_START = """\
    const double alpha = {alpha}, beta = {beta};
    const int moving = beta >= 0.5 && beta < 1;
    real *held = r->state[2]; /* beta held + alpha g; kept divided by ``unit`` */
    const double by = moving ? beta : 1;
    double unit = 1;
"""
_MOVING_CHANGE = """\
rest((void *const[]){{r->state[0], held}}, r->dims{values}, unit);
        if (unit < 0.001 || (moving && s + 1 == r->steps)) {{
            for (long k = 0; k < {count}; k++) held[k] *= (real)unit;
            unit = 1;
        }}"""


def epoch_source(
    values: str,
    rows: Sequence[int],
    batch: int | None,
    *,
    absorbed: bool = False,
    moving: MovingState | None = None,
) -> str:
    """The source of ``update_all`` and ``epoch`` for one thread.

    values    the arguments of ``update`` after its pointers and sizes
    rows      the bytes of a row of each given array, where they and the ``batch`` are known
    absorbed  whether ``train`` takes the place of ``gradients`` and ``update``
    moving    the state that it changes, if it does not change the parameters
    """
    words = {"batch": "r->batch", "given": "r->given", "table": "", "bytes": "r->row_bytes[g]"}
    if batch is not None:
        known = ", ".join(map(str, rows))
        words = {"batch": str(batch), "given": str(len(rows)), "bytes": "row_bytes[g]"}
        words["table"] = f"    static const long row_bytes[] = {{{known}}};\n"
    words |= {"start": "", "step": "gradients(here, r->dims)"}
    words["change"] = f"update(r->state, r->dims{values})"
    if absorbed:
        words |= {"step": f"train(here, r->dims{values})", "change": "(void)count"}
    if moving is not None:
        own = {"values": values, **asdict(moving)}
        words["start"] = _MOVING_START.format(**own)
        words["step"] = (
            "train(here, r->dims, alpha / (unit *= moving ? beta : 1), moving ? 1 : beta)"
        )
        words["change"] = _MOVING_CHANGE.format(**own)
    return straight_source(values, _GATHER + _ALONE.format(**words))


def straight_source(values: str, epoch: str) -> str:
    """The same with an ``epoch`` that calls no other function."""
    return _TYPES + _UPDATE.format(values=values) + epoch


def shared_source(values: str) -> str:
    """The same for two threads."""
    return _TYPES + _GATHER + _TOGETHER.format(values=values)
