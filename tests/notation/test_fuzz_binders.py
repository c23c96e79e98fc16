"""Renaming, substitution and inlining commute with evaluation; equality is up to renaming."""

import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.notation.binders import ArgPeak, Binder, Peak, Total, rename
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices, inline, substitute
from tests.notation.naive import close, free, placements, value
from tests.notation.strategies import (
    A,
    B,
    M,
    W,
    d,
    expressions,
    i,
    j,
    k,
    many,
    q,
    s,
    t,
    u,
    v,
    worlds,
)

OUTSIDE = (ZeroDivisionError, ValueError, OverflowError)
MANY = many(2)
PLACES = {i: (k, Elem(d, j), i), k: (i, Elem(d, 0)), j: (j,)}


def agree(e, at_e, form, at_form):
    try:
        expected = value(e, at_e)
    except OUTSIDE:
        assume(False)
    assume(abs(expected) < 10**30)
    assert close(expected, value(form, at_form)), f"{e} against {form}"


@given(expressions(), st.sampled_from((i, k)), st.data())
def test_renaming_an_index_is_evaluating_at_the_other_place(e, index, data):
    new = data.draw(st.sampled_from(PLACES[index]))
    renamed = rename(e, {index: new})
    for world in worlds(3):
        for place in placements([e, i, j, k], world):
            agree(e, {**place, index: int(value(new, place))}, renamed, place)


@given(expressions(), st.permutations((i, k)))
def test_indices_are_renamed_at_once(e, order):
    renamed = rename(e, dict(zip((i, k), order, strict=True)))
    for world in worlds(4):
        for place in placements([i, j, k], world):
            moved = {**place, i: place[order[0]], k: place[order[1]]}
            agree(e, moved, renamed, place)


@given(expressions(), expressions(scope=(i,), depth=2))
def test_substituting_a_tensor_is_evaluating_with_its_values(e, definition):
    put_in = substitute(e, u, lambda at: rename(definition, {i: at}))
    inlined = inline(e, {u[i]: definition})
    for world in worlds(6):
        try:
            values = {(n,): value(definition, {**world, i: n}) for n in range(int(world[A]))}
            outside = [value(definition, {**world, i: n}) for n in (-1, int(world[A]))]
        except OUTSIDE:
            assume(False)
        assume(not any(outside) or not shifted(e, u))  # what is read outside the axes is 0
        for place in placements([e, i], world):
            agree(e, {**place, u: values}, put_in, place)
            agree(e, {**place, u: values}, inlined, place)


def shifted(e, tensor):
    reads = (a.index[0] for a in e.atoms(Elem) if a.tensor == tensor)
    return any(not (getattr(a, "size", None) == A or isinstance(a, Elem)) for a in reads)


INLINE = {
    "inline": lambda e, new: inline(e, {s: new}),
    "rename": lambda e, new: rename(e, {s: new}),
    "xreplace": lambda e, new: e.xreplace({s: new}),
}


@pytest.mark.parametrize("name", INLINE)
@MANY
@given(e=expressions(), definition=expressions(scope=(i, j), kinks=False))
def test_substituting_a_scalar_is_evaluating_with_its_value(name, e, definition):
    e = e + s * t if s in e.free_symbols else e * s
    inlined = INLINE[name](e, definition)
    assert free(inlined) <= free(e) | free(definition)
    for world in worlds(7):
        for place in placements([e, i, j], world):
            try:
                there = {**place, s: value(definition, place)}
            except OUTSIDE:
                assume(False)
            agree(e, there, inlined, place)


@given(expressions(scope=(i, j)), st.data())
def test_swapped_and_renamed_binders_are_one_object(body, data):
    bound = data.draw(st.permutations((i, j)))
    new = {i: Index("x", A), j: Index("y", B)}
    other = [new[b] for b in data.draw(st.permutations(bound))]
    one, two = Total(body, *bound), Total(rename(body, new), *other)
    assert one == two
    assert hash(one) == hash(two)
    assert one == Total(Total(body, bound[0]), bound[1])


@pytest.mark.parametrize("kind", [Total, Peak, ArgPeak])
@given(body=expressions(scope=(i, k)))
def test_one_bound_index_has_no_name(kind, body):
    r = Index("r", A)
    assert kind(body, k) == kind(rename(body, {k: r}), r)
    assert k not in free_indices(kind(body, k))


@given(expressions())
def test_opening_gives_fresh_indices_and_closing_gives_the_same(e):
    for binder in e.atoms(Binder):
        body, index = binder.open()
        assert not (set(index) & free_indices(e))
        assert binder.func(body, *index) == binder


@given(expressions())
def test_a_pickle_is_the_same_object(e):
    again = pickle.loads(pickle.dumps(e))
    assert again == e
    assert hash(again) == hash(e)


def test_a_bound_index_is_never_captured():
    swapped = Total(W[i, j] * Elem(u, i), j)
    assert rename(Total(W[i, j] * u[k], j), {k: i}) == swapped
    inside = inline(Total(s * W[k, j], k), {s: u[k]})
    assert inside == Total(u[k] * W[Index("other", A), j], Index("other", A))
    assert free_indices(inside) == {k, j}


def tower(height):
    """Maxima within maxima."""
    e = q
    for n in range(height):
        r = Index(f"r{n}", A)
        e = Peak(u[r] * e, r)
    return e


@pytest.mark.parametrize("beside", range(4))
@pytest.mark.parametrize("inside", range(4))
def test_a_tall_definition_is_put_under_short_binders(inside, beside):
    """Bound indices are numbered by height: what grows inside must not meet what is outside."""
    e = Total(tower(beside) ** 2 * u[i] * Peak(M[i, k] * s, k), i)
    expected = Total(tower(beside) ** 2 * u[i] * Peak(M[i, k] * tower(inside), k), i)
    for change in INLINE.values():
        assert change(e, tower(inside)) == expected


def test_a_definition_may_read_an_index_of_the_name_of_a_bound_one():
    inside = inline(Total(t * q * v[j], j), {t: v[j]})
    assert inside == v[j] * q * Total(v[Index("r", B)], Index("r", B)) or inside == Total(
        v[j] * q * v[Index("r", B)], Index("r", B)
    )
    assert free_indices(inside) == {j}
