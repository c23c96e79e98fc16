"""Every word of every public constructor: what it may not be is refused when the object is made."""

import inspect
import math

import numpy as np
import pytest

import symdl as sd
from symdl.errors import InputError, SymdlError
from symdl.training.callbacks import Callback
from symdl.training.losses import LOSSES
from symdl.training.optimizers import OPTIMIZERS

NO_NUMBERS = (
    math.nan,
    "0.5",
    "much",
    None,
    True,
    [0.5],
    (1, 2),
    1j,
    np.array([0.1, 0.2]),
    object(),
)

# kind -> values that no word of that kind takes, and what the message says
KINDS = {
    "rate": ((0, 0.0, -1, -1e-9, math.inf, -math.inf, *NO_NUMBERS), "a finite number > 0"),
    "above 0": ((0, 0.0, -1e-9, math.inf, *NO_NUMBERS), "a finite number > 0"),
    "above 0 or None": (
        (0, -1, math.inf, *(v for v in NO_NUMBERS if v is not None)),
        "a finite number > 0",
    ),
    "from 0": ((-1, -1e-9, math.inf, *NO_NUMBERS), "a finite number >= 0"),
    "below 1": ((1, 1.0, 1.5, -0.1, math.inf, *NO_NUMBERS), r"in \[0, 1\)"),
    "up to 1": ((1.001, -0.1, math.inf, *NO_NUMBERS), r"in \[0, 1\]"),
    "count": ((0, -1, 1.5, 2.0, math.inf, *NO_NUMBERS), "a whole number of at least 1"),
    "count or None": (
        (0, -1, 1.5, *(v for v in NO_NUMBERS if v is not None)),
        "a whole number of at least 1",
    ),
    "count from 0": ((-1, 1.5, 2.0, math.inf, *NO_NUMBERS), "a whole number of at least 0"),
    "switch": (("yes", 1, 0, None, math.nan, [True]), "True or False"),
    "seed": ((-1, 1.5, "0", None, True, math.nan), "seed must be"),
    "activation": (("rleu", "Relu", "relu()(", 3, ["relu"]), "activation"),
    "initializer": (("he_norml", "he_normal(scale=2)", 3, ["zeros"]), "he_norm|kernel_init"),
    "regularizer": (("l3", "l2(l2=-1)", "l2(l1=1)", 0.01, sd.L2), "regularizer|l2"),
    "constraint": (("max_nrm", "max_norm(max_value=0)", 3, sd.MaxNorm), "constraint|max_"),
    "loss": (("msee", "huber(delta=0)", "hinge(delta=1)", 3, sd.Huber), "loss|delta"),
    "reduction": (("avg", "means", 3, True), "reduction"),
    "columns": ((0, -1, 1.5, None, "2", True, (0,), (1.5,)), "a whole number of at least 1"),
    "text": ((3, None, ["val_loss"]), "must be"),
}
CLIPPING = dict.fromkeys(("clipvalue", "clipnorm", "global_clipnorm"), "above 0 or None")
MOMENTS = {
    "learning_rate": "rate", "beta_1": "below 1", "beta_2": "below 1",
    "epsilon": "above 0 or None", **CLIPPING,
}  # fmt: skip
FALLING = {"initial_learning_rate": "rate", "decay_steps": "count", "decay_rate": "above 0"}
SLOW = {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5}

# constructor -> what it cannot do without, and the kind of each of its words
WORDS = {
    sd.SGD: ({}, {
        "learning_rate": "rate", "momentum": "below 1", "nesterov": "switch",
        "rate_in_velocity": "switch", **CLIPPING,
    }),
    sd.Adagrad: ({}, {
        "learning_rate": "rate", "epsilon": "above 0 or None",
        "initial_accumulator_value": "from 0", "epsilon_inside": "switch", **CLIPPING,
    }),
    sd.RMSprop: ({}, {
        "learning_rate": "rate", "rho": "below 1", "epsilon": "above 0 or None",
        "epsilon_inside": "switch", **CLIPPING,
    }),
    sd.Adadelta: ({}, {
        "learning_rate": "rate", "rho": "below 1", "epsilon": "above 0 or None", **CLIPPING,
    }),
    sd.Adam: ({}, {
        **MOMENTS, "decay": "from 0", "amsgrad": "switch", "epsilon_hat": "switch",
    }),
    sd.AdamW: ({}, {**MOMENTS, "weight_decay": "from 0", "epsilon_hat": "switch"}),
    sd.Adamax: ({}, {**MOMENTS, "epsilon_inside": "switch"}),
    sd.Nadam: ({}, {**MOMENTS, "schedule_decay": "from 0"}),
    sd.ExponentialDecay: (SLOW, FALLING),
    sd.StepDecay: (SLOW, FALLING),
    sd.InverseTimeDecay: (SLOW, FALLING),
    sd.CosineDecay: (
        {"initial_learning_rate": 0.1, "decay_steps": 3},
        {"initial_learning_rate": "rate", "decay_steps": "count", "alpha": "up to 1"},
    ),
    sd.WarmUp: (
        {"target_learning_rate": 0.1, "warmup_steps": 3},
        {"target_learning_rate": "rate", "warmup_steps": "count"},
    ),
    sd.Input: ({"shape": 3}, {"shape": "columns"}),
    sd.Dense: ({"units": 2}, {
        "units": "count", "activation": "activation", "use_bias": "switch",
        "kernel_initializer": "initializer", "input_dim": "count or None",
        "kernel_regularizer": "regularizer", "bias_regularizer": "regularizer",
        "activity_regularizer": "regularizer", "kernel_constraint": "constraint",
        "bias_constraint": "constraint",
    }),
    sd.Activation: ({"name": "relu"}, {"name": "activation"}),
    sd.Dropout: ({"rate": 0.5}, {"rate": "below 1"}),
    sd.GaussianNoise: ({"stddev": 0.1}, {"stddev": "from 0"}),
    sd.LayerNormalization: ({}, {"epsilon": "above 0"}),
    sd.RMSNormalization: ({}, {"epsilon": "above 0"}),
    sd.BatchNormalization: ({}, {
        "epsilon": "above 0", "momentum": "below 1", "unbiased": "switch",
    }),
    sd.Maxout: ({"units": 2}, {
        "units": "count", "pieces": "count", "kernel_initializer": "initializer",
    }),
    sd.PReLU: ({}, {"initial_slope": "from 0"}),
    sd.L1: ({}, {"l1": "from 0"}),
    sd.L2: ({}, {"l2": "from 0"}),
    sd.L1L2: ({}, {"l1": "from 0", "l2": "from 0"}),
    sd.MaxNorm: ({}, {"max_value": "above 0"}),
    sd.NonNeg: ({}, {}),
    sd.UnitNorm: ({}, {}),
    sd.Loss: ({"name": "mse"}, {"name": "loss", "reduction": "reduction"}),
    sd.Huber: ({}, {"delta": "above 0", "reduction": "reduction"}),
    sd.EarlyStopping: ({}, {
        "monitor": "text", "patience": "count from 0", "min_delta": "from 0",
        "restore_best": "switch",
    }),
    sd.Sequential: ({}, {"seed": "seed"}),
}  # fmt: skip

# words that hold a formula, an object or a name of the user's own: tested with what they are about
ELSEWHERE = {
    sd.Activation: {"initial"},
    sd.MaxNorm: {"axis"},
    sd.Sequential: {"layers", "name"},
}
NO_CONSTANTS = {sd.Formula, sd.Equation, sd.Backprop, sd.FormulaLayer}

CASES = [
    (made, needed, word, kind)
    for made, (needed, words) in WORDS.items()
    for word, kind in words.items()
]


def name_of(value):
    return value.__name__ if inspect.isclass(value) else None


def test_every_constructor_and_every_word_is_in_the_table():
    public = {v for v in (getattr(sd, n) for n in sd.__all__) if inspect.isclass(v)}
    found = {v for v in public if not issubclass(v, SymdlError)}
    assert found == WORDS.keys() | NO_CONSTANTS
    for made, (needed, words) in WORDS.items():
        made(**needed)
        expected = words.keys() | ELSEWHERE.get(made, set())
        assert set(inspect.signature(made).parameters) == expected, made


@pytest.mark.parametrize("made", WORDS, ids=name_of)
def test_a_word_that_there_is_not_gets_the_nearest(made):
    needed, words = WORDS[made]
    with pytest.raises(InputError, match=f"{made.__name__} has no 'nonsense'"):
        made(**needed, nonsense=1)
    for word in words:
        with pytest.raises(InputError, match=f"did you mean '{word}'"):
            made(**{k: v for k, v in needed.items() if k != word}, **{word + "_": 1})
    if needed:
        with pytest.raises(InputError, match="missing a required argument"):
            made()


@pytest.mark.parametrize(("made", "needed", "word", "kind"), CASES, ids=name_of)
def test_no_word_takes_what_it_cannot_mean(made, needed, word, kind):
    values, message = KINDS[kind]
    for value in values:
        with pytest.raises(SymdlError, match=message) as caught:
            made(**needed | {word: value})
        assert type(caught.value) is not SymdlError


@pytest.mark.parametrize(
    ("make", "nearest"),
    [
        (lambda: sd.Dense(2, "sigmod"), "sigmoid"),
        (lambda: sd.Activation("sofmax"), "softmax"),
        (lambda: sd.Dense(2, kernel_initializer="glorot_norml"), "glorot_normal"),
        (lambda: sd.Dense(2, kernel_regularizer="l1_l3"), "l1_l2"),
        (lambda: sd.Dense(2, kernel_constraint="maxnorm"), "max_norm"),
        (lambda: sd.Maxout(2, kernel_initializer="he_unifrom"), "he_uniform"),
        (lambda: sd.Loss("mean_square_error"), "mean_squared_error"),
        (lambda: sd.Loss("mse", reduction="summ"), "sum"),
        (lambda: sd.Sequential([sd.Dense(1)]).compile("addam", "mse"), "adam"),
        (lambda: sd.Sequential([sd.Dense(1)]).compile("sgd", "hing"), "hinge"),
        (lambda: sd.Sequential([sd.Dense(1)]).compile("sgd", "mse", ["acuracy"]), "accuracy"),
        (lambda: sd.Sequential([sd.Dense(1)]).compile("sgd", "mse", dtype="float46"), "float64"),
        (lambda: sd.SGD({"kind": "step_deca"}), "step_decay"),
        (lambda: sd.Dense(2, "leaky_relu(alfa=0.2)"), "alpha"),
        (lambda: sd.Loss("huber(dleta=2)"), "delta"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(make, nearest):
    with pytest.raises(sd.InputError, match=rf"did you mean '{nearest}'"):
        make()


@pytest.mark.parametrize("text", ["1e", "0.1.2", "__import__('os')", "1; 2", "", "alpha"])
def test_constants_in_words_are_numbers(text):
    with pytest.raises(sd.InputError, match="must be a number"):
        sd.Dense(2, f"leaky_relu(alpha={text})")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sd.SGD(nesterov=True), "give momentum"),
        (lambda: sd.SGD(rate_in_velocity=False), "give momentum"),
        (lambda: sd.Adam(sd.WarmUp(0.1, 3), decay=0.1), "give one of them"),
        (lambda: sd.Adam(clipnorm=1, clipvalue=1), "give one of them"),
        (lambda: sd.WarmUp(sd.WarmUp(0.1, 3), 3), "one rise is enough"),
        (lambda: sd.MaxNorm(axis=1), "axis=0"),
        (lambda: sd.Input((2, 3)), "one axis"),
        (lambda: sd.SGD(sd.StepDecay), "learning_rate of SGD"),
        (lambda: sd.SGD({"kind": "step_decay", "steps": 3}), "has no steps"),
    ],
)
def test_words_that_do_not_go_together(make, message):
    with pytest.raises(SymdlError, match=message):
        make()


def test_the_words_that_name_classes_are_the_classes_of_the_table():
    assert set(OPTIMIZERS.values()) <= WORDS.keys()
    assert issubclass(sd.EarlyStopping, Callback)
    for name in LOSSES:
        sd.Loss(name)
