"""Callbacks, early stopping, and what is shown while a model trains."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from symdl.errors import InputError
from symdl.training.callbacks import Callback, EarlyStopping
from symdl.training.layers import Dense
from symdl.training.progress import Reporter, reporter
from symdl.training.sequential import Sequential

X = np.random.default_rng(6).standard_normal((20, 3))
Y = X[:, 0]


def regression(rate="sgd"):
    model = Sequential([Dense(1)])
    model.compile(rate, "mse")
    return model


class Recorder(Callback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self, epoch, logs):
        self.calls.append((epoch, sorted(logs)))
        self.model.stop_training = epoch == 2

    def on_train_end(self):
        self.calls.append("end")


def test_callbacks_are_called_and_may_stop():
    recorder = Recorder()
    history = regression().fit(X, Y, epochs=9, validation_split=0.5, callbacks=[recorder])
    logs = ["loss", "val_loss"]
    assert recorder.calls == ["begin", (0, logs), (1, logs), (2, logs), "end"]
    assert history.epoch == [0, 1, 2]
    again = regression().fit(X, Y, epochs=2)
    assert again.epoch == [0, 1]


class FakeModel:
    def __init__(self):
        self.stop_training = False
        self.weights = [np.zeros(1)]

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights


def run(stopping, values):
    stopping.model = model = FakeModel()
    stopping.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [np.array([float(epoch)])]
        stopping.on_epoch_end(epoch, {stopping.monitor: value})
        if model.stop_training:
            break
    stopping.on_train_end()
    return stopping.stopped_epoch, stopping.best_epoch, model.weights[0][0]


def test_early_stopping_waits_and_restores():
    losses = [3.0, 2.0, 2.5, 2.4, 2.3, 1.0]
    assert run(EarlyStopping("loss", patience=3), losses) == (4, 1, 4)
    assert run(EarlyStopping("loss", patience=3, restore_best=True), losses) == (4, 1, 1)
    assert run(EarlyStopping("loss", patience=4, restore_best=True), losses) == (None, 5, 5)
    assert run(EarlyStopping("loss"), losses) == (2, 1, 2)
    assert run(EarlyStopping("loss", min_delta=1.5, patience=2), losses) == (2, 0, 2)
    assert run(EarlyStopping("val_accuracy", patience=1), [0.5, 0.7, 0.6]) == (2, 1, 2)
    assert run(EarlyStopping("loss", patience=1), [np.nan, 1.0]) == (0, None, 0)


def test_early_stopping_in_fit():
    stopping = EarlyStopping("loss", min_delta=10.0, restore_best=True)
    model = regression()
    start = model.predict(X)
    history = model.fit(X, Y, epochs=50, callbacks=[stopping])
    assert len(history.epoch) == 2
    assert not np.array_equal(model.predict(X), start)


def test_a_name_that_is_not_there():
    with pytest.raises(InputError, match="no 'val_loss' to monitor; did you mean 'loss'"):
        regression().fit(X, Y, callbacks=[EarlyStopping("val_loss")])
    with pytest.raises(InputError, match=r"write EarlyStopping\(\)"):
        regression().fit(X, Y, callbacks=[EarlyStopping])
    with pytest.raises(InputError, match=r"a list: write callbacks=\[...\]"):
        regression().fit(X, Y, callbacks=EarlyStopping("loss"))
    with pytest.raises(InputError, match="patience"):
        EarlyStopping(patience=-1)


def shown(verbose, terminal):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=60)
    report: Any = reporter(verbose, 2, 100, console)
    with report:
        for epoch in range(2):
            for done in range(1, 101):
                report.drawn = 0.0  # as if the last drawing were long ago
                report.batch_done(done, 0.25)
            report.epoch_done(epoch, {"loss": 0.25, "accuracy": 1.0})
    return text.getvalue()


def test_lines():
    lines = shown(2, terminal=False).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2 - ")
    assert lines[1].endswith("loss: 0.25 - accuracy: 1")


def test_a_bar_on_a_terminal_only():
    text = shown(1, terminal=True)
    assert "50/100" in text
    assert "Epoch 2/2 - " in text
    assert shown(1, terminal=False) == shown(0, terminal=True) == ""


def test_the_bar_is_drawn_seldom():
    text = io.StringIO()
    report = reporter(1, 1, 10**6, Console(file=text, force_terminal=True, width=60))
    with report:
        for done in range(1, 10_001):
            report.batch_done(done, 0.25)
    assert text.getvalue().count("/1000000") < 20


def test_quiet_is_quiet(capsys):
    regression().fit(X, Y, epochs=2, verbose=0)
    regression().fit(X, Y, epochs=2, verbose=1)
    assert capsys.readouterr().out == ""
    regression().fit(X, Y, epochs=2, verbose=2)
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert type(reporter(0, 1, 1)) is Reporter
