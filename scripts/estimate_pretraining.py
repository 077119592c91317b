"""What pretraining at full size would take: tokens, hours, memory. An estimate, not a measurement.

    python scripts/estimate_pretraining.py                  # BERT-base on a Chinese Wikipedia
    python scripts/estimate_pretraining.py --text-gb 10 --passes 10 --share 0.3

Operations are those that the question needs: 6 a weight and token (the MLM head's only at the masked
15 %) and 12 × layers × hidden × row length a token for attention. Memory is that of AdamW in float32
under bf16 autocast, and of activations by Korthikanti et al. 2022 (arXiv 2205.05198, section 4).
"""

import argparse

LAYERS, HIDDEN, VOCABULARY, POSITIONS = 12, 768, 21_128, 512  # bert-base-chinese
LENGTH, MASKED = 128, 0.15
BYTES_A_CHARACTER = 3  # of Chinese in UTF-8; a character is a token
SIZES = ((1, 1), (8, 1), (8, 4))  # (GPUs a machine, machines)
COMMANDS = {
    1: "python",
    8: "torchrun --nproc_per_node 8",
    32: "torchrun --nnodes 4 --nproc_per_node 8 --rdzv_backend c10d --rdzv_endpoint HOST:29500",
}


def parameters() -> dict[str, int]:
    """Weights of the trunk's layers, of the embeddings, and of the MLM head without its tied ones."""
    layer = 12 * HIDDEN**2 + 13 * HIDDEN
    embeddings = (VOCABULARY + POSITIONS + 2) * HIDDEN + 2 * HIDDEN
    head = HIDDEN**2 + 3 * HIDDEN + VOCABULARY
    return {"layers": LAYERS * layer, "embeddings": embeddings, "head": head}


def operations_a_token() -> float:
    """Floating-point operations of a training step, forward and backward, a token."""
    head = HIDDEN**2 + HIDDEN * VOCABULARY
    attention = 12 * LAYERS * HIDDEN * LENGTH
    return 6 * (parameters()["layers"] + MASKED * head) + attention


def gigabytes(batch: int) -> tuple[float, float]:
    """(weights, gradients and AdamW's moments; activations) on one GPU, in GB."""
    fixed = 16 * sum(parameters().values()) / 1e9
    activations = 34 * LAYERS * LENGTH * batch * HIDDEN / 1e9  # fused attention keeps no scores
    return fixed, activations


def table(text_gb: float, passes: int, peak: float, share: float, batch: int) -> str:
    """The estimate as a Markdown table."""
    tokens = text_gb * 1e9 / BYTES_A_CHARACTER
    fixed, activations = gigabytes(batch)
    lines = [
        "| GPUs | steps | tokens a second | hours | memory a GPU |",
        "|---|---|---|---|---|",
    ]
    for gpus, machines in SIZES:
        count = gpus * machines
        rate = count * peak * 1e12 * share / operations_a_token()
        steps = passes * tokens / (LENGTH * batch * count)
        lines.append(
            f"| {machines} × {gpus} | {steps:,.0f} | {rate / 1e6:.2f} million | "
            f"{passes * tokens / rate / 3600:.1f} | {fixed:.1f} + {activations:.1f} GB |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text-gb", type=float, default=1.6, help="GB of Chinese text")
    parser.add_argument("--passes", type=int, default=40, help="over the text; BERT read 40")
    parser.add_argument("--peak", type=float, default=312, help="TFLOP/s in bf16; 312: an A100")
    parser.add_argument("--share", type=float, default=0.4, help="of the peak that is reached")
    parser.add_argument("--batch-size", type=int, default=256, help="rows a GPU and step")
    arguments = parser.parse_args()
    tokens = arguments.text_gb / BYTES_A_CHARACTER
    print(
        f"{tokens:.2f} billion tokens a pass, {arguments.passes * tokens:.0f} billion in all, "
        f"{operations_a_token() / 1e6:.0f} million operations a token; on disk {2 * tokens:.1f} GB.\n"
    )
    values = arguments.passes, arguments.peak, arguments.share, arguments.batch_size
    print(table(arguments.text_gb, *values))
    print()
    for gpus, machines in SIZES:
        print(f"{COMMANDS[gpus * machines]} scripts/pretrain.py …")


if __name__ == "__main__":
    main()
