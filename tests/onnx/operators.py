"""Which item of the catalogue is which ONNX operator: the table, and how arrays are handed over.

An entry takes a case and returns the outputs in the operator's order; each of them comes out of
the compiled code of the item, and only shapes are changed here.
"""

import numpy as np

import symdl as sd
from symdl.calculus.rows import reduced
from symdl.catalog import activations, clipping, layers, losses, noise, normalization
from tests.agreement.compiled import Updater, each, function, with_values

# ------------------------------------------------------------------------------------ activations


def activation(formula, **attributes):
    """y = f(x) at every element; ``attributes``: the constant's name -> (attribute, usual)."""

    def run(case):
        values = {c: case.attribute(*named) for c, named in attributes.items()}
        slopes = [np.broadcast_to(s, case.first.shape) for s in list(case.inputs.values())[1:]]
        found = each(with_values(formula, **values), case.first, *slopes, dtype="float32")
        return (found,)

    return run


def gelu(case):
    tanh = case.attribute("approximate", "none") == "tanh"
    return activation(activations.GELU_TANH if tanh else activations.GELU)(case)


def along_axis(formula):
    """A formula of the rows of x, along any axis: that axis is put last, the others are rows."""

    def run(case):
        axis = case.attribute("axis", -1)
        moved = np.moveaxis(case.first, axis, -1)
        rows = moved.reshape(-1, moved.shape[-1])
        found = function(formula, dtype="float32")(rows)
        return (np.moveaxis(found.reshape(moved.shape), -1, axis),)

    return run


def clip(case):
    low, high = float(case["min"]), float(case["max"])
    assert high == -low, "one threshold on both sides"
    formula = with_values(clipping.CLIP_BY_VALUE, clipvalue=high)
    flat = function(formula, dtype="float32")(case.first.ravel())
    return (flat.reshape(case.first.shape),)


# ------------------------------------------------------------------------------------------ layers


def gemm(case):
    a, b, *bias = case.inputs.values()
    x = case.attribute("alpha", 1.0) * (a.T if case.attribute("transA", 0) else a)
    kernel = b.T if case.attribute("transB", 0) else b
    if not bias:
        return (function(layers.DENSE_NO_BIAS, dtype="float32")(x, kernel),)
    one_row = np.broadcast_to(bias[0], (1, kernel.shape[1]))[0]
    shift = case.attribute("beta", 1.0) * one_row
    return (function(layers.DENSE, dtype="float32")(x, kernel, shift),)


def matmul(case):
    """Stacks of matrices one by one; a vector is a row on the left and a column on the right."""
    a, b = np.atleast_2d(case.first), case["b"]
    b = b[:, None] if b.ndim == 1 else b
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    run = function(layers.DENSE_NO_BIAS, dtype="float32")
    left = np.broadcast_to(a, (*stack, *a.shape[-2:])).reshape(-1, *a.shape[-2:])
    right = np.broadcast_to(b, (*stack, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
    found = np.stack([run(x, w) for x, w in zip(left, right, strict=True)])
    return (found.reshape(case.outputs["c"].shape),)


def maximum(case):
    """Pieces without inputs: max_q b[q,j], each array one piece."""
    arrays = np.stack([v.ravel() for v in case.inputs.values()]).astype("float64")
    none = np.zeros((1, *arrays.shape))
    found = function(layers.MAXOUT)(np.zeros((1, 1)), none, arrays)
    result = case.outputs["result"]
    return (found.reshape(result.shape).astype(result.dtype),)


# ------------------------------------------------------------------------------------------ losses


def of_labels(formula, read):
    """A loss of class labels; ``read`` turns the input into what the formula reads.

    Weights of classes are those of the rows that have the class, and 0 for the label that ONNX
    ignores.  ONNX divides the weighted sum by the sum of the weights, we by the number of rows.
    """

    def run(case):
        x, target, *weight = case.inputs.values()
        scores = np.moveaxis(x, 1, -1)
        rows, labels = scores.reshape(-1, x.shape[1]), target.ravel()
        ignored = labels == case.attribute("ignore_index", None)
        labels = np.where(ignored, 0, labels)
        weights = (weight[0] if weight else np.ones(x.shape[1], "float32"))[labels] * ~ignored
        reduction = case.attribute("reduction", "mean")
        plain = not weight and not ignored.any()
        given = (read(rows), labels) if plain else (read(rows), labels, weights)
        mean_of_weights = reduction == "mean" and not plain
        kind = reduced(formula, "sum" if mean_of_weights else reduction, not plain)
        loss = function(kind, dtype="float32")(*given)
        loss = np.asarray(loss / weights.sum() if mean_of_weights else loss)
        logs = function(activations.LOG_SOFTMAX, dtype="float32")(rows)
        shape = target.shape if reduction == "none" else ()
        return loss.reshape(shape), np.moveaxis(logs.reshape(scores.shape), -1, 1)

    return run


# ----------------------------------------------------------------------------------- normalizations


def _columns(x):
    """Channels (the second axis) as columns, all else as rows; and the way back."""
    moved = np.moveaxis(x, 1, -1)

    def back(y):
        return np.moveaxis(y.reshape(moved.shape), -1, 1)

    return moved.reshape(-1, x.shape[1]), back


def batch_normalization(case):
    x, scale, shift, mean, var = case.inputs.values()
    rows, back = _columns(x)
    epsilon = case.attribute("epsilon", 1e-5)
    if not case.attribute("training_mode", 0):
        formula = with_values(normalization.BATCH_NORMALIZATION_INFERENCE, epsilon=epsilon)
        return (back(function(formula, dtype="float32")(rows, mean, var, scale, shift)),)
    momentum = case.attribute("momentum", 0.9)
    formula = with_values(normalization.BATCH_NORMALIZATION, epsilon=epsilon, momentum=momentum)
    y, new_mean, new_var = function(formula, dtype="float32")(rows, scale, shift, mean, var)
    return back(y), new_mean, new_var


def standardized(case):
    """Mean and deviation of each channel; ONNX adds 1e-9 to the deviation, not to its square."""
    rows, back = _columns(case.first)
    many = rows.shape[1]
    formula = with_values(normalization.BATCH_NORMALIZATION, epsilon=1e-18)
    y, _, _ = function(formula)(rows, np.ones(many), *np.zeros((2, many)), np.ones(many))
    return (back(y),)


def layer_normalization(case):
    x, scale, shift = case.inputs.values()
    axis = case.attribute("axis", -1) % x.ndim
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
    formula = with_values(
        normalization.LAYER_NORMALIZATION, epsilon=case.attribute("epsilon", 1e-5)
    )
    wanted = (formula.output, normalization.row_mean, normalization.row_scale)
    y, mean, deviation = function(formula, wanted, dtype="float32")(
        rows, scale.ravel(), shift.ravel()
    )
    reduced = x.shape[:axis] + (1,) * (x.ndim - axis)
    return y.reshape(x.shape), mean.reshape(reduced), (1 / deviation).reshape(reduced)


def rms_normalization(case):
    x, scale = case.inputs.values()
    axis = case.attribute("axis", -1) % x.ndim
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
    formula = with_values(normalization.RMS_NORMALIZATION, epsilon=case.attribute("epsilon", 1e-5))
    return (function(formula, dtype="float32")(rows, scale.ravel()).reshape(x.shape),)


def group_normalization(case):
    """Without ``num_groups`` every channel is a group of its own: instance normalization."""
    x, scale, shift = case.inputs.values()
    groups = case.attribute("num_groups", x.shape[1])
    inside = x.shape[1] // groups
    formula = with_values(
        normalization.GROUP_NORMALIZATION, epsilon=case.attribute("epsilon", 1e-5)
    )
    split = x.reshape(len(x), groups, inside, -1)
    own = (v.reshape(groups, inside) for v in (scale, shift))
    return (function(formula, dtype="float32")(split, *own).reshape(x.shape),)


# ------------------------------------------------------------------------------------------- noise


def dropout(case):
    """The draws are those of the published code; in prediction nothing is left out."""
    x, *more = case.inputs.values()
    rate = float(more[0]) if more else case.attribute("ratio", 0.5)
    training = bool(more[1]) if len(more) > 1 else False
    drawn = np.random.RandomState(case.attribute("seed", 0)).uniform(0, 1, x.shape)
    run = function(with_values(noise.DROPOUT, rate=rate if training else 0))
    flat, u = x.reshape(len(x), -1), drawn.reshape(len(x), -1)
    kept = run(np.ones_like(flat), u) > 0
    return run(flat, u).reshape(x.shape), kept.reshape(x.shape)


# ------------------------------------------------------------------------------------------ updates


def update(make, start, names):
    """One step of an optimizer on one or several weights.

    make   the optimizer, from a case
    start  how many steps were taken, from ONNX's count T
    names  the states in ONNX's order, as the formula names them
    """

    def run(case):
        rate, count, *tensors = case.inputs.values()
        per_weight = len(tensors) // (2 + len(names))
        weights, gradients, *states = (
            tensors[k : k + per_weight] for k in range(0, len(tensors), per_weight)
        )
        formula, step = make(case, float(rate)).formula, start(int(count))
        found = []
        for w, g, *own in zip(weights, gradients, *states, strict=True):
            updater = Updater(formula, w, "float32")
            updater.started(step, **dict(zip(names, own, strict=True)))
            penalty = case.attribute("norm_coefficient", 0.0) * w  # of half a squared norm
            found.append([updater.step(g + penalty), *map(updater.values, names)])
        return [v for kind in zip(*found, strict=True) for v in kind]

    return run


def _momentum(case, rate):
    assert case["T"] == 0, "from the second step on, ONNX dampens the gradient by beta"
    return sd.SGD(
        rate, case.attribute("alpha", 0), case.attribute("mode", "") == "nesterov",
        rate_in_velocity=False,
    )  # fmt: skip


def _adagrad(case, rate):
    falling = sd.InverseTimeDecay(rate, 1, case.attribute("decay_factor", 0))
    return sd.Adagrad(falling, case.attribute("epsilon", 0))


def _adam(case, rate):
    beta_1, beta_2 = case.attribute("alpha", 0.9), case.attribute("beta", 0.999)
    return sd.Adam(rate, beta_1, beta_2, case.attribute("epsilon", 0), epsilon_hat=True)


# -------------------------------------------------------------------------------------- the table

TABLE = {
    "Adagrad": update(_adagrad, lambda t: t, ["a"]),
    # ONNX leaves the correction of the bias out where T = 0; after many steps it is 1
    "Adam": update(_adam, lambda t: t or 10**9, ["m", "v"]),
    "BatchNormalization": batch_normalization,
    "Clip": clip,
    "Dropout": dropout,
    "Elu": activation(activations.ELU, alpha=("alpha", 1.0)),
    "Gelu": gelu,
    "Gemm": gemm,
    "GroupNormalization": group_normalization,
    "HardSigmoid": activation(activations.HARD_SIGMOID),
    "HardSwish": activation(activations.HARD_SILU),
    "Identity": activation(activations.IDENTITY),
    "InstanceNormalization": group_normalization,
    "LayerNormalization": layer_normalization,
    "LeakyRelu": activation(activations.LEAKY_RELU, alpha=("alpha", 0.01)),
    "LogSoftmax": along_axis(activations.LOG_SOFTMAX),
    "MatMul": matmul,
    "Max": maximum,
    "MeanVarianceNormalization": standardized,
    "Mish": activation(activations.MISH),
    "Momentum": update(_momentum, lambda t: t, ["velocity"]),
    "NegativeLogLikelihoodLoss": of_labels(losses.SPARSE_CATEGORICAL_CROSSENTROPY, np.exp),
    "PRelu": activation(activations.PRELU),
    "RMSNormalization": rms_normalization,
    "Relu": activation(activations.RELU),
    "Selu": activation(
        activations.SELU,
        alpha=("alpha", 1.67326319217681884765625),
        **{"lambda": ("gamma", 1.05070102214813232421875)},
    ),
    "Sigmoid": activation(activations.SIGMOID),
    "Softmax": along_axis(activations.SOFTMAX),
    "SoftmaxCrossEntropyLoss": of_labels(
        losses.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS, np.asarray
    ),
    "Softplus": activation(activations.SOFTPLUS),
    "Softsign": activation(activations.SOFTSIGN),
    "Swish": activation(activations.SILU),
    "Tanh": activation(activations.TANH),
}

# case -> why no item of the catalogue says what it says
LEFT_OUT = {
    "test_clip_default_inbounds": "no bounds",
    "test_clip_default_int8_inbounds": "no bounds, whole numbers",
    "test_clip_default_int8_max": "a bound above alone: ours has one threshold on both sides",
    "test_clip_default_int8_min": "a bound below alone: ours has one threshold on both sides",
    "test_clip_default_max": "a bound above alone: ours has one threshold on both sides",
    "test_clip_default_min": "a bound below alone: ours has one threshold on both sides",
    "test_clip_min_greater_than_max": "bounds 2 and 1: ours has one threshold on both sides",
    "test_gemm_default_matrix_bias": "a bias for each row: the layer has one for each column",
    "test_hardsigmoid": "slope 1/2, offset 0.6: ours is x/6 + 1/2, with no constants to choose",
    "test_hardsigmoid_default": "slope 0.2, as in the first version of Keras: ours is x/6 + 1/2",
    "test_hardsigmoid_example": "slope 1/2, offset 0.6: ours is x/6 + 1/2",
    "test_identity_opt": "an optional value, no tensor",
    "test_identity_sequence": "a sequence of tensors",
}
