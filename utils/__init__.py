"""The small package that the chapters of the course import, in rooms with one door each.

Notebooks and scripts import a module here or a package's door (its `__init__`), never a file
inside a room. Arrows point one way, from the later to the earlier in this list;
`tests/test_rooms.py` holds both.

    profile          the switches: profile, seed, device, bf16
    results          what was measured: the rows of results/*.jsonl
    models           a name -> a checked folder or Hub id; its tokenizer
    training_log     a run's log, and the report that is kept with a model
    resuming         carry on an interrupted run, and only that run
    bert             chapter 2's classes; bert_weights: their checkpoints
    unpadded         BERT's layers without padding, on a processor
    clipping         gradients clipped while AdamW reads them
    encoding         text to token ids, many at once; also for another process
    data/            texts, names, questions, pairs, also your own -> DatasetDict
    pretraining/     text to rows, masking, the three objectives, their measures
    metrics/         accuracy and macro F1 for `evaluate`, offline
    finetuning/      classifiers, taggers, the recipe, tasks as text, answers, pairs, search
    smaller/         fewer layers, neurons and bits, ONNX, LoRA, students (chapter 10)
    measuring/       baselines, probes, likelihood, entities, answers, grades, search, costs
    errors           an error as one line, the report on weights
    toy_models       chapter 1's GPT, BERT, ELMo and T5 in miniature
    figures          curves and bars; token_figures, token_reading: pictures of tokens;
                     entity_figures: names in a text; model_figures: BERT's parts as boxes
    widgets          the same, to play with in Jupyter
    checks/          what the exercises are checked with
"""
