"""The generated C of a step for two threads under ThreadSanitizer, driven by a small main()."""

from __future__ import annotations

import subprocess

from tests.program.races import WIDTH

_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
static void plain(char *ta, char *tb, int *m, int *n, int *k, real *alpha, const real *a, int *lda,
                  const real *b, int *ldb, real *beta, real *c, int *ldc) {{
    for (long j = 0; j < *n; j++) for (long i = 0; i < *m; i++) {{
        real s = 0;
        for (long p = 0; p < *k; p++)
            s += (*ta == 'N' ? a[i + p * *lda] : a[p + i * *lda])
               * (*tb == 'N' ? b[p + j * *ldb] : b[j + p * *ldb]);
        c[i + j * *ldc] = *alpha * s + (*beta != 0 ? *beta * c[i + j * *ldc] : 0);
    }}
}}
int main(void) {{
    {start}
    const long d[] = {{{dims}}};
{tables}
    for (int again = 0; again < 3; again++) {{
{calls}
    }}
    const char *const rows[] = {{{rows}}};
    const long row_bytes[] = {{{row_bytes}}}, order[] = {{{order}}};
    char *const gathered[] = {{{gathered}}};
    double losses[{steps}];
    const double hyper[] = {{{hyper}}};
    run_t run = {{.steps = {steps}, .batch = {batch}, .order = order, .given = {given},
                 .rows = rows, .row_bytes = row_bytes, .gathered = gathered, .pointers = {pointers},
                 .dims = d, .state = update_table, .hyper = hyper, .losses = losses}};
    {more}
    epoch(gradients_table, &run);
    return 0;
}}
"""


def driver(library, sizes, *, steps=3):
    """A C program that runs every function of a library, and an epoch in a mixed order."""
    build, batch = library.build, sizes[library.build.batch]
    arrays, tables, calls = {}, [], []

    def array(name, count):
        arrays.setdefault(name, f"calloc({max(count, 1)} + 64, 1)")
        return name

    parts = {**library.written, "update": library.update}
    for name, written in parts.items():
        tables.append(_table(name, written, library, sizes, array))
        if name != "update":
            calls.append(f"        {name}({name}_table, d);")
    calls.append("        {const double hyper[32] = {0.1, 0.9, 0.9, 1e-7};"
                 " update_all(update_table, d, hyper, 1.0 + again);}")  # fmt: skip
    given = library.written["gradients"].use.given[: len(build.given)]
    row_bytes = [_bytes(slot, sizes) // batch for slot in given]
    made = [f"    char *{name} = {text};" for name, text in arrays.items()]
    return _DRIVER.format(
        start="start((void *)plain);" if library.blas else "",
        dims=", ".join(str(sizes[s]) for s in library.dims) or "0",
        tables="\n".join([*made, *tables]),
        calls="\n".join(calls),
        rows=", ".join(f"calloc({n * batch * steps}, 1)" for n in row_bytes),
        row_bytes=", ".join(map(str, row_bytes)),
        order=", ".join(str(7 * k % (batch * steps)) for k in range(batch * steps)),
        gathered=", ".join(f"calloc({n * batch}, 1)" for n in row_bytes),
        hyper=", ".join(["0.1", "0.9", "0.9", "1e-7", *["0"] * 28]),
        steps=steps,
        batch=batch,
        given=len(row_bytes),
        pointers=len(library.written["gradients"].function.pointers),
        more=_statistics(library, sizes, array),
    )


def _statistics(library, sizes, array):
    """What an epoch copies after each step, where there are running statistics."""
    vectors = library.written["gradients"].use.vectors
    count = sum(_bytes(slot, sizes) for slot in vectors.get("next_statistics", ()))
    if not count:
        return ""
    return f"run.old = statistics; run.next = next_statistics; run.statistics_bytes = {count};"


def _table(name, written, library, sizes, array):
    """The pointers that a function is given, into vectors, arrays of its own and its buffers."""
    function, where = written.function, {}
    if name == "update":
        held = [written.update.weight, written.update.gradient]
        held += [old for old, _ in written.update.state]
        vectors = ["parameters", "gradient", *(f"state_{k}" for k in range(len(held) - 2))]
        for slot, vector in zip(held, vectors, strict=True):
            where[slot] = array(vector, _bytes(slot, sizes))
    else:
        for vector, slots in written.use.vectors.items():
            first = 0
            for slot in slots:
                where[slot] = f"{vector} + {first}"
                first += _bytes(slot, sizes)
            array(vector, first)
    start, end = library.offsets(
        function, written.nodes, written.orders, lambda slot: _bytes(slot, sizes)
    )
    memory = array(f"{name}_memory", end)
    for number, slot in enumerate(function.pointers):
        if slot in start:
            where[slot] = f"{memory} + {start[slot]}"
        elif slot not in where:
            where[slot] = array(f"{name}_{number}", _bytes(slot, sizes))
    inside = ", ".join(where[slot] for slot in function.pointers)
    return f"    void *const {name}_table[] = {{{inside}}};"


def _bytes(slot, sizes):
    count = 1
    for a in slot.axes:
        count *= int(a.xreplace(sizes))
    return count * WIDTH[slot.kind]


def run(source, folder):
    """Compile C source with the sanitizer and run it; return its exit status and what it said."""
    text, program = folder / "driven.c", folder / "driven"
    text.write_text(source)
    command = ["gcc", "-std=gnu11", "-O1", "-g", "-w", "-fsanitize=thread", "-fopenmp-simd",
               "-pthread", str(text), "-o", str(program), "-lm"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, done.stderr
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stderr
