"""What loading told: errors on one line, the weights that are new."""

import json
import logging
import tempfile
from pathlib import Path

import pytest
import transformers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForPreTraining,
    AutoModelForSequenceClassification,
)
from transformers.utils import logging as library_log

from utils.errors import attempt, loading_report
from utils.models import resolve


def fail(words):
    raise ValueError(words)


def test_an_error_becomes_one_line(capsys):
    attempt(lambda: fail(f"first\n  second in {tempfile.gettempdir()}/x and {Path.cwd()}/y"))
    assert capsys.readouterr().out == "ValueError: first second in .../x and .../y\n"
    import_error = "cannot import name 'AdamW' from 'transformers'"
    attempt(lambda: fail(f"{import_error} ({transformers.__file__})"))
    assert capsys.readouterr().out == f"ValueError: {import_error} (.../transformers/__init__.py)\n"
    attempt(lambda: fail("x" * 500))
    assert len(capsys.readouterr().out) < 230


def test_what_works_is_said_to_work(capsys):
    attempt(lambda: 1)
    assert capsys.readouterr().out == "没有报错\n"


def test_an_interrupt_is_not_swallowed():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(stop)


def test_report_names_the_new_weights():
    lines = loading_report(AutoModelForSequenceClassification, resolve("mini-bert-zh")).splitlines()
    assert lines[:2] == ["MISSING    classifier.bias", "MISSING    classifier.weight"]
    assert lines[2:] and all(line.startswith("UNEXPECTED cls.") for line in lines[2:])


def test_report_is_empty_where_all_weights_fit():
    assert loading_report(AutoModelForPreTraining, resolve("mini-bert-zh")) == ""


def test_report_lists_layers_that_share_a_row(tmp_path):
    """transformers writes encoder.layer.{0, 1, 2, 3}.x, with a blank in it."""
    config = AutoConfig.from_pretrained(resolve("mini-bert-zh"), num_hidden_layers=2)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    entries = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(entries | {"num_hidden_layers": 4}))
    lines = loading_report(AutoModel, str(tmp_path)).splitlines()
    assert lines and all(line.startswith("MISSING    encoder.layer.{2, 3}.") for line in lines)


def test_the_library_is_as_quiet_or_loud_as_before(capfd, tmp_path):
    before = library_log.get_verbosity()
    handlers = set(logging.getLogger("transformers").handlers)
    loading_report(AutoModel, resolve("mini-bert-zh"))
    assert library_log.get_verbosity() == before
    with pytest.raises((OSError, ValueError)):  # nothing in the folder
        loading_report(AutoModel, str(tmp_path))
    assert set(logging.getLogger("transformers").handlers) == handlers
    assert library_log.get_verbosity() == before
    assert "UNEXPECTED" not in capfd.readouterr().err
