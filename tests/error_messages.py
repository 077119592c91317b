"""The common errors a reader pastes into the search, as the libraries word them.

Without what differs from reader to reader: names of files, numbers, addresses in memory.
"""

COMMON = (
    "got an unexpected keyword argument 'evaluation_strategy'",
    "Trainer.__init__() got an unexpected keyword argument 'tokenizer'",
    "ImportError: cannot import name 'AdamW' from 'transformers'",
    "RuntimeError: Dataset scripts are no longer supported",
    "OSError: We couldn't connect to 'https://huggingface.co' to load the files",
    "ValueError: Unable to create tensor, you should probably activate truncation and/or padding",
    "IndexError: index out of range in self",
    "RuntimeError: The expanded size of the tensor",
    "IndexError: Target 10 is out of bounds",
    "ValueError: The model did not return a loss from the inputs",
    "AttributeError: 'SequenceClassifierOutput' object has no attribute 'accuracy'",
    "NameError: name 'torch' is not defined",
    "AssertionError: Torch not compiled with CUDA enabled",
    "CUDA out of memory",
)
# Those that depend on the machine, which no cell can run.
NOT_RUN = COMMON[-2:]
