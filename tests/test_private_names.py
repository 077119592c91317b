"""Names of other libraries that the course leans on although they are private or undocumented.

Whoever moves to a newer release sees here first which of them is gone, and who used it.
"""

import importlib

import pytest

LEANED_ON = {
    "torch.cpu.get_capabilities": "profile: is the processor faster in bf16",
    "transformers.Trainer._get_train_sampler": "finetuning: batches in random order",
    "transformers.Trainer._save_rng_state": "pretrain.py: the last file but one of a checkpoint",
    "transformers.trainer_pt_utils.LengthGroupedSampler": "finetuning: texts of similar length",
    "transformers.utils.loading_report.update_key_name": "errors: layers with the same fate",
    "transformers.models.bert.modeling_bert.BertForPreTrainingOutput": "pretraining: the loss",
    "transformers.models.t5.modeling_t5.T5Attention._relative_position_bucket": "T5's start",
    "transformers.PreTrainedConfig._attn_implementation": "objectives, widgets: which attention",
    "ipywidgets.Widget._repr_mimebundle_": "widgets: a picture where there is no front end",
    "tarfile.EOFHeaderError": "data: a tar file cut off",
}


def find(name: str) -> object:
    """The object with a dotted name, whatever part of it is a module."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


@pytest.mark.parametrize("name", LEANED_ON)
def test_it_is_still_there(name):
    find(name)


def test_a_name_that_is_gone_is_found_out():
    with pytest.raises(AttributeError):
        find("transformers.Trainer._get_another_sampler")
